"""What a run leaves on the disk can be read, by us and by who reads the published layout."""

from pathlib import Path

import pytest
import torch

from pixelmend.errors import OutputFailed, UnreadableCheckpoint, WeightsMissing
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.weights.checkpoints import reading


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "stage1")
    made.make(resume=False)
    return made


def test_weights_are_written_in_both_layouts(folder: RunFolder) -> None:
    content = {"params": {"a": torch.ones(2)}}
    networks = {"net_d": {"a": torch.full((2,), 2.0)}}
    folder.save_weights({"net_d.pth": content, "other/net_x.pth": content}, networks)
    for name in ("net_d.pth", "other/net_x.pth"):
        assert reading.read(folder.published / name)["a"].tolist() == [1, 1]
    stored = reading.read(folder.path / "model.safetensors")
    assert stored["net_d.a"].dtype == torch.float16
    assert stored["net_d.a"].tolist() == [2, 2]


def test_a_state_comes_back(folder: RunFolder) -> None:
    folder.save_state({"step": 3, "average": {"w": torch.ones(1)}})
    folder.save_state({"step": 4, "average": {}})
    assert folder.load_state() == {"step": 4, "average": {}}


def test_a_state_that_is_missing_or_damaged_is_told(folder: RunFolder) -> None:
    with pytest.raises(WeightsMissing, match="No run was begun"):
        folder.load_state()
    folder.state.write_bytes(b"damaged")
    with pytest.raises(UnreadableCheckpoint, match="damaged"):
        folder.load_state()


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match="can't be made"):
        RunFolder(tmp_path / "file" / "stage1").make(resume=False)
