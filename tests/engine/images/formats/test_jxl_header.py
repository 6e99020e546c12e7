"""Headers, built bit by bit: what they say, and what is refused for what they say."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from pixelmend.errors import BadImage, UnsupportedImage
from pixelmend_engine.images import files
from pixelmend_engine.images.damage import Damaged
from pixelmend_engine.images.formats import jxl_header
from pixelmend_engine.images.formats.jxl_header import LINEAR, SRGB_CURVE, parse, with_curve


def encoded(pixels: np.ndarray, **options: Any) -> bytes:
    """What the codec library makes of pixels."""
    return bytes(imagecodecs.jpegxl_encode(pixels, **options))


def bits(*fields: tuple[int, int]) -> bytes:
    """Packs (value, count) from the lowest bit on, behind a codestream's signature."""
    packed = place = 0
    for value, count in fields:
        packed |= value << place
        place += count
    return jxl_header.SIGNATURE + packed.to_bytes(64, "little")


SIZE = ((1, 1), (3, 5), (0, 3), (4, 5))  # 40 x 32
PLAIN = ((0, 1), (0, 2))  # whole numbers, 8 bits
COLORS = (*SIZE, (0, 1), (0, 1), (0, 1), *PLAIN[1:], (1, 1), (0, 2), (0, 1))


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (bits(*COLORS, (0, 1), (1, 1)), "not sRGB's"),  # a profile of its own
        (bits(*COLORS, (0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (9, 4)), "not sRGB's"),  # P3
        (bits(*SIZE, (0, 1), (1, 1), (0, 3), (0, 1), (0, 1), (1, 1)), "an animation"),
        (bits(*SIZE, (0, 1), (0, 1), *PLAIN, (1, 1), (2, 2), (0, 4)), "further channels"),
    ],
    ids=["profile", "display-p3", "animation", "two-extra-channels"],
)
def test_what_would_be_lost_is_refused(header: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "in.jxl").write_bytes(header)
    with pytest.raises(UnsupportedImage, match=problem):
        files.read(tmp_path / "in.jxl")


def test_a_size_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "in.jxl").write_bytes(bits((0, 1), (2, 2), (200_000, 18), (1, 3), (1, 1)))
    with pytest.raises(BadImage, match="150 megapixels"):
        files.read(tmp_path / "in.jxl")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
@pytest.mark.parametrize("size", [(8, 8), (64, 48), (333, 1000), (9000, 8)])
def test_sizes_are_those_of_the_codec_library(size: tuple[int, int], dtype: str) -> None:
    data = encoded(np.zeros((*size, 3), dtype), effort=1, usecontainer=False)
    actual = parse(data[data.index(jxl_header.SIGNATURE) :])
    assert (actual.height, actual.width) == size
    assert actual.problem is None


def test_only_the_curve_is_changed() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (16, 16, 3), np.uint16)
    data = encoded(pixels, lossless=True)
    stream = data[data.index(jxl_header.SIGNATURE) :]
    assert parse(stream).curve == LINEAR
    changed = with_curve(stream, SRGB_CURVE)
    assert parse(changed).curve == SRGB_CURVE
    assert with_curve(changed, LINEAR) == stream
    assert sum(a != b for a, b in zip(stream, changed, strict=True)) <= 2
    np.testing.assert_array_equal(imagecodecs.jpegxl_decode(changed), pixels)


def test_a_lossy_curve_is_not_changed() -> None:
    data = encoded(np.zeros((16, 16, 3), np.float32), distance=1.0)
    with pytest.raises(Damaged, match="curve"):
        with_curve(data[data.index(jxl_header.SIGNATURE) :], SRGB_CURVE)
