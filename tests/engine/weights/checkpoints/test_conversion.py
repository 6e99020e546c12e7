"""Every published layout becomes one safetensors file with the tensors that are used."""

import io
import zipfile
from pathlib import Path

import pytest
import torch
from published import SMALL, hollow, pickled, small_file, tensors
from safetensors.torch import (
    load_file,  # pyright: ignore[reportUnknownVariableType] - PathLike
    save_file,  # pyright: ignore[reportUnknownVariableType] - the same
)

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.weight_files import WeightFile, catalog
from pixelmend_engine.weights.checkpoints import conversion, safetensors_header
from pixelmend_engine.weights.checkpoints.reading import StateDict
from pixelmend_engine.weights.installer import expected_shapes


def layout(file: WeightFile) -> object:
    """Wraps tensors as the authors of that file do; they are all one number, to take no room."""
    (name,) = file.parts.values()
    state = hollow(name)
    if file.id.startswith("diffir-inpainting"):
        other = {f"generatorS1.{key}": value for key, value in hollow(name).items()}
        ours = {f"generator.{key}": value for key, value in state.items()}
        return {"epoch": 1, "state_dict": {**other, **ours, "val_evaluator.x": torch.ones(1)}}
    if file.id.startswith("diffir"):
        return {"params": hollow(name), "params_ema": state}
    if file.id in ("diffbir-swinir-general", "diffbir-swinir-face", "retinaface-resnet50"):
        return {f"module.{key}": value for key, value in state.items()}
    if file.id in ("diffbir-sd21-zsnr", "sd21-base-ckpt"):
        return {"state_dict": {**state, "betas": torch.ones(3)}, "global_step": 1}
    return state


SINGLE = [file for file in catalog().files if len(file.parts) == 1]


@pytest.mark.parametrize("file", SINGLE, ids=lambda file: file.id)
def test_every_published_layout_is_recognized(file: WeightFile, tmp_path: Path) -> None:
    path = tmp_path / "net.part"
    torch.save(layout(file), path)
    with conversion.open_checkpoints(path, tmp_path) as checkpoints:
        taken = conversion.select_tensors(file, checkpoints)
    assert {key: tuple(value.shape) for key, value in taken.items()} == expected_shapes(file)


SYSTEMS = [file for file in catalog().files if len(file.parts) > 1]


@pytest.mark.parametrize("file", SYSTEMS, ids=lambda file: file.id)
def test_every_published_system_is_recognized(file: WeightFile, tmp_path: Path) -> None:
    folder = tmp_path / file.name
    folder.mkdir()
    for part, name in file.parts.items():
        torch.save({"params": hollow(name)}, folder / f"{part}.pth")
    (folder / "readme.txt").write_text("Read me")
    with conversion.open_checkpoints(folder, tmp_path) as checkpoints:
        taken = conversion.select_tensors(file, checkpoints)
    assert {key: tuple(value.shape) for key, value in taken.items()} == expected_shapes(file)


def test_safetensors_are_taken_as_they_are(tmp_path: Path) -> None:
    state = {**tensors(SMALL), "left.over": torch.ones(2)}
    save_file(state, tmp_path / "net.safetensors")
    file = small_file(container="safetensors", drops_extras=True)
    with conversion.open_checkpoints(tmp_path / "net.safetensors", tmp_path) as checkpoints:
        conversion.write(conversion.select_tensors(file, checkpoints), file, tmp_path / "out")
    assert safetensors_header.shapes(tmp_path / "out") == expected_shapes(file)


def written(state: StateDict, tmp_path: Path) -> StateDict:
    """Writes tensors and reads them back."""
    conversion.write(state, small_file(), tmp_path / "net.safetensors")
    return load_file(tmp_path / "net.safetensors")


def test_types_and_bits_stay(tmp_path: Path) -> None:
    state = {
        "half": torch.randn(3, 4).half(),
        "brain": torch.randn(2).bfloat16(),
        "index": torch.arange(5),
        "nan": torch.tensor([float("nan"), float("inf"), -0.0]),
        "none": torch.ones(0, 3),
    }
    back = written(state, tmp_path)
    for name, tensor in state.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name].view(torch.uint8), tensor.view(torch.uint8)), name


def test_tensors_that_share_memory_are_all_written(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    state = {"whole": whole, "again": whole, "row": whole[1], "turned": whole.T}
    back = written(state, tmp_path)
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())
    assert (tmp_path / "net.safetensors").stat().st_size < 1000


def test_what_differs_is_said(tmp_path: Path) -> None:
    state = hollow(SMALL)
    state.popitem()
    (tmp_path / "net.pth").write_bytes(pickled({"params": state}))
    with (
        conversion.open_checkpoints(tmp_path / "net.pth", tmp_path) as checkpoints,
        pytest.raises(UnreadableCheckpoint, match=r"not those of `small`: \S+ is missing$"),
    ):
        conversion.select_tensors(small_file(), checkpoints)
    (tmp_path / "empty").mkdir()
    with (
        conversion.open_checkpoints(tmp_path / "empty", tmp_path) as checkpoints,
        pytest.raises(UnreadableCheckpoint, match="there is no checkpoint in it"),
    ):
        conversion.select_tensors(small_file(), checkpoints)


@pytest.mark.parametrize("content", [[1], 5, {"params": 3}, {1: torch.ones(1)}, {}])
def test_what_holds_no_tensors_is_refused(content: object, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(pickled(content))
    with (
        conversion.open_checkpoints(tmp_path / "net.pth", tmp_path) as checkpoints,
        pytest.raises(UnreadableCheckpoint),
    ):
        conversion.select_tensors(small_file(), checkpoints)


def test_a_disk_that_is_full_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - its words are the system's
        conversion.write({"x": torch.ones(1)}, small_file(), tmp_path / "nowhere" / "net")


def test_a_byte_that_changed_on_the_way_is_found_by_its_checksum(tmp_path: Path) -> None:
    state = tensors(SMALL)
    content = bytearray(pickled({"params": state}))
    content[content.index(next(iter(state.values())).numpy().tobytes()[:4])] ^= 0xFF
    (tmp_path / "net.pth").write_bytes(content)
    with (
        pytest.raises(UnreadableCheckpoint, match="damaged"),
        conversion.open_checkpoints(tmp_path / "net.pth", tmp_path),
    ):
        pass


def test_what_torch_would_not_have_compressed_is_refused(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(io.BytesIO(pickled(tensors(SMALL)))) as source,
        zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in source.namelist():
            packed.writestr(name, source.read(name))
    with (
        pytest.raises(UnreadableCheckpoint, match="does not compress"),
        conversion.open_checkpoints(tmp_path / "net.pth", tmp_path),
    ):
        pass


def test_tensors_that_hold_nothing_are_none(tmp_path: Path) -> None:
    hollow_ones = {key: value.to("meta") for key, value in tensors(SMALL).items()}
    torch.save(hollow_ones, tmp_path / "net.pth")
    with (
        conversion.open_checkpoints(tmp_path / "net.pth", tmp_path) as checkpoints,
        pytest.raises(UnreadableCheckpoint),
    ):
        conversion.select_tensors(small_file(), checkpoints)
