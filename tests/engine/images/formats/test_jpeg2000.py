"""JPEG 2000: 8 to 16 bits, with a profile; other colors are refused."""

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from pixelmend.errors import PixelmendError, UnsupportedImage
from pixelmend_engine.images import files, kinds, metadata

LOSSLESS: dict[str, Any] = {"level": 0, "reversible": True}


def noise(bits: int, channels: int) -> np.ndarray:
    """Samples, 24 x 40 pixels."""
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(0).integers(0, 2**bits, (24, 40, channels), dtype)


@pytest.mark.parametrize(("bits", "channels"), [(8, 3), (8, 1), (12, 3), (16, 1), (16, 3)])
@pytest.mark.parametrize("form", ["jp2", "j2k"])
def test_samples_span_their_type(bits: int, channels: int, form: str, tmp_path: Path) -> None:
    samples = noise(bits, channels)
    encoded = imagecodecs.jpeg2k_encode(
        samples[..., 0] if channels == 1 else samples,
        codecformat=form,
        bitspersample=bits,
        **LOSSLESS,
    )
    path = tmp_path / f"in.{form}"
    path.write_bytes(encoded)
    photo = files.read(path)
    white = 255 if bits == 8 else 65535
    np.testing.assert_allclose(photo.pixels, samples * (white / (2**bits - 1)), atol=1)
    assert photo.notes == ()
    assert kinds.result_name(path.name) == "in.png"


def test_video_colors_are_refused(tmp_path: Path) -> None:
    encoded = bytearray(imagecodecs.jpeg2k_encode(noise(8, 3), codecformat="jp2", **LOSSLESS))
    place = encoded.index(b"colr")
    encoded[place + 10] = 18  # sYCC
    (tmp_path / "in.jp2").write_bytes(encoded)
    with pytest.raises(UnsupportedImage, match="color space 18 of JPEG 2000"):
        files.read(tmp_path / "in.jp2")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_as_damage(data: st.DataObject, tmp_path: Path) -> None:
    broken = bytearray(imagecodecs.jpeg2k_encode(noise(8, 3), codecformat="jp2", **LOSSLESS))
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(12, len(broken) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "in.jp2").write_bytes(broken[: data.draw(st.integers(20, len(broken)))])
    try:
        files.read(tmp_path / "in.jp2")
    except PixelmendError as error:
        assert error.code in ("bad-image", "unsupported-image")  # noqa: PT017 - or none


def test_exif_is_read_and_turns_the_picture(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make], tags[ExifTags.Base.Orientation] = "A camera", 6
    encoded = imagecodecs.jpeg2k_encode(noise(8, 3), codecformat="jp2", **LOSSLESS)
    body = b"uuid" + b"JpgTiffExif->JP2" + tags.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "in.jp2").write_bytes(encoded + struct.pack(">I", len(body) + 4) + body)
    photo = files.read(tmp_path / "in.jp2")
    np.testing.assert_array_equal(photo.pixels, np.rot90(noise(8, 3), -1))
    assert photo.metadata.exif is not None
    assert metadata.orientation(photo.metadata.exif) == 1
    assert metadata.parsed(photo.metadata.exif)[ExifTags.Base.Make] == b"A camera"


def test_channels_smaller_than_the_picture_are_refused(tmp_path: Path) -> None:
    encoded = bytearray(imagecodecs.jpeg2k_encode(noise(8, 1)[..., 0], codecformat="j2k"))
    encoded[43:45] = b"\2\2"  # how many pixels each sample stands for
    (tmp_path / "in.j2k").write_bytes(encoded)
    with pytest.raises(UnsupportedImage, match="smaller than the picture"):
        files.read(tmp_path / "in.j2k")
