"""Checkpoints are read strictly, and never executed."""

import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import nn

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.weights.checkpoints import reading

STATE = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}


def test_published_layout_is_unwrapped(tmp_path: Path) -> None:
    torch.save({"params": STATE}, tmp_path / "net.pth")
    assert reading.read(tmp_path / "net.pth").keys() == STATE.keys()


def test_the_average_of_the_weights_is_preferred_where_one_was_kept(tmp_path: Path) -> None:
    averaged = {key: tensor + 5 for key, tensor in STATE.items()}
    torch.save({"params": STATE, "params_ema": averaged}, tmp_path / "net.pth")
    assert torch.equal(reading.read(tmp_path / "net.pth")["bias"], averaged["bias"])


def test_bare_tensors_and_the_prefix_of_many_gpus_are_read(tmp_path: Path) -> None:
    torch.save({f"module.{key}": value for key, value in STATE.items()}, tmp_path / "net.pth")
    assert reading.read(tmp_path / "net.pth").keys() == STATE.keys()


def test_one_part_of_a_checkpoint_of_lightning_is_read(tmp_path: Path) -> None:
    parts = {f"{part}.{key}": STATE[key] for part in ("generator", "generatorS1") for key in STATE}
    state = {**parts, "discriminator.a": torch.ones(1)}
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "last.ckpt")
    assert reading.read(tmp_path / "last.ckpt").keys() == STATE.keys()
    assert [*reading.read(tmp_path / "last.ckpt", part="discriminator")] == ["a"]
    with pytest.raises(UnreadableCheckpoint, match="holds no network"):
        reading.read(tmp_path / "last.ckpt", part="teacher")


def test_a_checkpoint_of_lightning_with_one_network_is_read_whole(tmp_path: Path) -> None:
    torch.save({"global_step": 1, "state_dict": STATE}, tmp_path / "model.ckpt")
    assert reading.read(tmp_path / "model.ckpt").keys() == STATE.keys()


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "net.safetensors")
    assert reading.read(tmp_path / "net.safetensors").keys() == STATE.keys()


class Trap:
    """Unpickled by plain pickle, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_a_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"params": Trap(sprung)}, tmp_path / "trap.pth")
    with pytest.raises(UnreadableCheckpoint, match=r"trap\.pth"):
        reading.read(tmp_path / "trap.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Trap(sprung), protocol=2))
    with pytest.raises(UnreadableCheckpoint, match=r"bare\.pth"):
        reading.read(tmp_path / "bare.pth")
    assert not sprung.exists()


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>Quota exceeded</html>", b"PK\3\4 half a zip"])
def test_damaged_files_are_named(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableCheckpoint, match=name):
        reading.read(tmp_path / name)


@given(content=st.binary(max_size=200))
def test_no_bytes_break_the_reader(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "net.pth"
    path.write_bytes(b"\x80\x02" + content)  # the start of a pickle, as torch writes it
    with pytest.raises(UnreadableCheckpoint):
        reading.read(path)


def test_a_truncated_safetensors_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UnreadableCheckpoint, match=path.name):
        reading.read(path)


@pytest.mark.parametrize("content", [{}, [1], {"params": STATE, "epoch": 3}, {"weight": 1}])
def test_files_that_hold_no_network_are_named(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(UnreadableCheckpoint, match="holds no network"):
        reading.read(tmp_path / "net.pth")


def networks() -> nn.Module:
    """One network, `net`, of one layer, without weights."""
    with torch.device("meta"):
        return nn.ModuleDict({"net": nn.Linear(3, 2)})


def test_filling_casts_to_float32() -> None:
    filled = networks()
    reading.fill_strictly(filled, {"net": {k: v.half() for k, v in STATE.items()}})
    assert {p.dtype for p in filled.parameters()} == {torch.float32}
    assert {p.device.type for p in filled.parameters()} == {"cpu"}


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({}, "not all there, missing: net"),
        ({"net": {"weight": STATE["weight"]}}, r"missing: net\.bias"),
        ({"net": {**STATE, "gain": torch.ones(1)}}, r"does not have: net\.gain"),
        ({"net": {**STATE, "bias": torch.ones(3)}}, r"net\.bias is \[3\], not \[2\]"),
    ],
)
def test_filling_is_strict(states: dict[str, reading.StateDict], message: str) -> None:
    with pytest.raises(UnreadableCheckpoint, match=message):
        reading.fill_strictly(networks(), states)
