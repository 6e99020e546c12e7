"""Headers of safetensors files are read and checked as the format's own reader would."""

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.weight_files import catalog
from pixelmend_engine.weights.checkpoints import reading, safetensors_header
from pixelmend_engine.weights.installer import expected_shapes


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4).half()}, path, {"id": "x"})
    return path


def test_names_and_shapes_are_read(sound: Path) -> None:
    assert safetensors_header.shapes(sound) == {"a": (2, 3), "b": (4,)}
    assert safetensors_header.is_safetensors(sound)
    assert safetensors_header.is_safetensors(sound.rename(sound.with_suffix(".part")))


@pytest.mark.parametrize("kept", [0, 7, 8, 9, 40, -1])
def test_what_is_cut_off_is_refused(kept: int, sound: Path) -> None:
    sound.write_bytes(sound.read_bytes()[:kept])
    why = "does not have the bytes" if kept == -1 else "header is cut off"
    with pytest.raises(UnreadableCheckpoint, match=rf"{why}.*net\.safetensors"):
        safetensors_header.shapes(sound)


def test_what_is_too_long_is_refused(sound: Path) -> None:
    sound.write_bytes(sound.read_bytes() + b"more")
    with pytest.raises(UnreadableCheckpoint, match="does not have the bytes"):
        safetensors_header.shapes(sound)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "X", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": ["one"], "data_offsets": [0, 4]},
        {"dtype": "F32"},
        [],
        None,
    ],
)
def test_entries_that_are_none_are_refused(entry: object, tmp_path: Path) -> None:
    text = json.dumps({"a": entry}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    with pytest.raises(UnreadableCheckpoint):
        safetensors_header.shapes(path)


def test_no_header_is_parsed_that_is_longer_than_that_of_weights(tmp_path: Path) -> None:
    names = {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(20_000)}
    header = json.dumps(names).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    for read in (safetensors_header.shapes, reading.open_any):
        with pytest.raises(UnreadableCheckpoint, match=f"header has {len(header)} bytes"):
            read(path)
    assert len(safetensors_header.shapes(path, max_header=len(header))) == len(names)


def test_every_published_file_has_a_header_that_is_parsed() -> None:
    for file in catalog().files:
        expected = expected_shapes(file)
        longest = json.dumps(
            {
                name: {"dtype": "BF16", "shape": list(shape), "data_offsets": [10**12, 10**12]}
                for name, shape in expected.items()
            },
            indent=4,
        )
        assert len(longest) < safetensors_header.max_bytes(expected) < safetensors_header.MAX_HEADER


@given(content=st.binary(max_size=100))
def test_no_bytes_break_the_reader(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(content)) + content)
    with pytest.raises(UnreadableCheckpoint):
        safetensors_header.shapes(path)
    assert safetensors_header.is_safetensors(path)
