"""The published files become a detector and a parser, or an error says what is wrong with them."""

from pathlib import Path

import pytest
import torch
from published import hollow
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend.errors import UnreadableCheckpoint, WeightsMissing
from pixelmend_engine.catalog import faces as face_files
from pixelmend_engine.catalog.weight_files import catalog
from pixelmend_engine.restoration.faces import loading
from pixelmend_engine.restoration.faces.parsing import Parser
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints.reading import StateDict

CPU = torch.device("cpu")


def install(file_id: str, state: StateDict, models_dir: Path) -> None:
    path = store.path_of(file_id, models_dir)
    path.parent.mkdir(parents=True)
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)


def test_what_is_not_here_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"retinaface-resnet50.* \(109 MB\)") as raised:
        loading.detector(tmp_path, CPU)
    assert "models pull retinaface-resnet50" in raised.value.hint
    with pytest.raises(WeightsMissing, match="parsenet"):
        loading.parser(tmp_path, CPU)


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    install(face_files.DETECTOR, hollow("diffbir-parsenet"), tmp_path)
    with pytest.raises(UnreadableCheckpoint):
        loading.detector(tmp_path, CPU)


def test_the_published_layout_loads(tmp_path: Path) -> None:
    # Published with the prefix that training on several GPUs leaves, as a pickle.
    folder = tmp_path / face_files.DETECTOR
    folder.mkdir()
    state = hollow("diffbir-retinaface-r50")
    published = {f"module.{key}": tensor for key, tensor in state.items()}
    torch.save(published, folder / catalog()[face_files.DETECTOR].name)
    find = loading.detector(tmp_path, CPU)
    assert find(torch.rand(1, 3, 64, 80)) == []  # all weights are 0: nothing is more than likely


def test_a_converted_file_loads(tmp_path: Path) -> None:
    install(face_files.PARSER, hollow("diffbir-parsenet"), tmp_path)
    assert isinstance(loading.parser(tmp_path, CPU), Parser)
