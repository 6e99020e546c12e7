"""HEIC and HEIF: read as they are meant, in every depth; written when asked for."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from profiles import RGB

from pixelmend.errors import (
    BadImage,
    OutputFailed,
    PackageMissing,
    PixelmendError,
    UnsupportedImage,
)
from pixelmend_engine.images import files, stated_colors
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata

LOSSLESS: dict[str, Any] = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}


def smooth(channels: int, dtype: str = "uint8") -> np.ndarray:
    """Ramps, 32 x 48 pixels, which a codec keeps nearly as they are."""
    ramp = np.linspace(0.1, 0.9, 32 * 48).reshape(32, 48)
    stacked = np.stack([ramp, ramp[::-1], ramp[:, ::-1], np.ones_like(ramp)], axis=2)
    return np.rint(stacked[..., :channels] * np.iinfo(dtype).max).astype(np.dtype(dtype))


def save(path: Path, mode: str, pixels: np.ndarray, **options: Any) -> None:
    """Writes a file as other programs do."""
    size = (pixels.shape[1], pixels.shape[0])
    pillow_heif.from_bytes(mode, size, pixels.tobytes()).save(path, format="HEIF", **options)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_8_bits_are_read_to_the_bit(mode: str, channels: int, tmp_path: Path) -> None:
    pixels = smooth(channels)
    save(tmp_path / "in.heic", mode, pixels, **(LOSSLESS if channels > 1 else {"quality": -1}))
    photo = files.read(tmp_path / "in.heic")
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.notes == ()


@pytest.mark.parametrize(("bits", "step"), [(10, 1023), (12, 4095)])
def test_deep_samples_span_16_bits(bits: int, step: int, tmp_path: Path) -> None:
    pixels = smooth(3, "uint16")
    values = np.rint(pixels * (step / 65535)).astype(np.uint16)
    save(tmp_path / "in.heic", f"RGB;{bits}", values, **LOSSLESS)
    photo = files.read(tmp_path / "in.heic")
    assert photo.sample_type == "U16"
    np.testing.assert_allclose(photo.pixels, pixels, atol=1.01 * 65535 / step)
    files.write(photo, tmp_path / "out.heic")  # in as many bits as it had
    assert files.check_format(photo, tmp_path / "out.heic") == []
    again = files.read(tmp_path / "out.heic")
    assert again.metadata.compression == (str(bits))
    np.testing.assert_allclose(again.pixels, photo.pixels, atol=1500)


def test_white_is_white(tmp_path: Path) -> None:
    save(tmp_path / "in.heic", "RGB;16", np.full((16, 16, 3), 65535, np.uint16), **LOSSLESS)
    assert files.read(tmp_path / "in.heic").pixels.min() == 65535


def test_metadata_goes_through(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A phone"
    own = Metadata(exif=tags.tobytes(), xmp=b"<x/>", icc_profile=RGB["Display P3"])
    files.write(ImageFile(pixels=smooth(4), metadata=own), tmp_path / "out.heic")
    again = files.read(tmp_path / "out.heic")
    assert again.channels == "RGBA"
    assert again.metadata.icc_profile == own.icc_profile
    assert again.metadata.xmp == b"<x/>"
    assert files.metadata.parsed(again.metadata.exif)[ExifTags.Base.Make] == b"A phone"


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_it_is_turned_upright_once(orientation: int, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    file = pillow_heif.from_bytes("RGB", (48, 32), smooth(3).tobytes())
    file.info["exif"] = tags.tobytes()
    file.save(tmp_path / "in.heic", format="HEIF", **LOSSLESS)
    photo = files.read(tmp_path / "in.heic")
    turns = {3: 2, 6: -1, 8: 1}[orientation]
    np.testing.assert_array_equal(photo.pixels, np.rot90(smooth(3), turns))
    assert photo.metadata.exif is None or files.metadata.orientation(photo.metadata.exif) == 1


@pytest.mark.parametrize("curve", [16, 18])
def test_hdr_is_refused_in_words(curve: int, tmp_path: Path) -> None:
    codes = {"color_primaries": 9, "transfer_characteristics": curve}
    save(tmp_path / "in.heic", "RGB", smooth(3), **codes)
    with pytest.raises(UnsupportedImage, match="HDR picture"):
        files.read(tmp_path / "in.heic")


def test_display_p3_that_is_stated_in_codes_becomes_a_profile(tmp_path: Path) -> None:
    save(tmp_path / "in.heic", "RGB", smooth(3), color_primaries=12, transfer_characteristics=13)
    profile = files.read(tmp_path / "in.heic").metadata.icc_profile
    assert profile == stated_colors.of_codes(12, 13, "", gray=False)


def test_16_bits_of_others_lose_tones_and_it_is_said(tmp_path: Path) -> None:
    photo = ImageFile(pixels=smooth(2, "uint16"))
    (note,) = files.check_format(photo, tmp_path / "out.heic")
    assert note == "HEIF files hold 10 bits per channel; finer tones are lost"
    files.write(photo, tmp_path / "out.heic")
    assert files.read(tmp_path / "out.heic").sample_type == "U16"


def test_gray_with_a_profile_and_alpha_is_refused(tmp_path: Path) -> None:
    photo = ImageFile(pixels=smooth(2), metadata=Metadata(icc_profile=b"gray"))
    with pytest.raises(OutputFailed, match="gray with a color profile"):
        files.check_format(photo, tmp_path / "out.heic")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_as_damage(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "in.heic"
    if not (tmp_path / "whole").exists():
        save(path, "RGB", smooth(3), exif=Image.Exif().tobytes(), xmp=b"<x/>")
        path.rename(tmp_path / "whole")
    broken = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(16, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(32, len(broken)))
    path.write_bytes(broken[:cut])
    try:
        files.read(path)
    except PixelmendError as error:
        assert isinstance(error, BadImage | UnsupportedImage)  # noqa: PT017 - no error is fine too
    finally:
        path.unlink()


def test_without_the_library_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "in.heic", "RGB", smooth(3))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PackageMissing, match="pillow-heif"):
        files.read(tmp_path / "in.heic")
