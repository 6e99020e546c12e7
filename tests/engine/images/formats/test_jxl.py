"""JPEG XL: all types of samples, colors as the header says them, boxes for the rest."""

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import ExifTags, Image
from profiles import GRAY, RGB

from pixelmend.errors import BadImage, UnsupportedImage
from pixelmend_engine.images import files
from pixelmend_engine.images.formats import jxl
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata


def samples(dtype: str, channels: int = 3) -> np.ndarray:
    """Noise of that type."""
    noise = np.random.default_rng(0).random((24, 40, channels))
    return (noise * (1 if dtype[0] == "f" else np.iinfo(dtype).max)).astype(dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("naked", [True, False])
def test_8_bits_are_srgb(channels: int, naked: bool, tmp_path: Path) -> None:
    pixels = samples("uint8", channels)
    data = imagecodecs.jpegxl_encode(pixels, lossless=True, usecontainer=not naked)
    (tmp_path / "in.jxl").write_bytes(data)
    photo = files.read(tmp_path / "in.jxl")
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.metadata.icc_profile is None
    assert photo.notes == ()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint16", "float16", "float32"])
@pytest.mark.parametrize("lossless", [True, False])
def test_what_another_program_says_is_linear_stays_so(
    dtype: str, channels: int, lossless: bool, tmp_path: Path
) -> None:
    pixels = samples(dtype, channels)
    distance = None if lossless else 1.0
    data = imagecodecs.jpegxl_encode(pixels, lossless=lossless, distance=distance)
    (tmp_path / "in.jxl").write_bytes(data)
    photo = files.read(tmp_path / "in.jxl")
    assert photo.metadata.icc_profile == jxl.profile_of(gray=channels < 3, linear=True)
    assert photo.metadata.compression == (None if lossless else "lossy")
    files.write(photo, tmp_path / "out.jxl")
    again = files.read(tmp_path / "out.jxl")
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert again.metadata.icc_profile == photo.metadata.icc_profile


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint16", "float16", "float32"])
def test_what_has_srgbs_curve_is_written_with_it(dtype: str, channels: int, tmp_path: Path) -> None:
    photo = ImageFile(pixels=samples(dtype, channels))
    files.write(photo, tmp_path / "out.jxl")
    again = files.read(tmp_path / "out.jxl")
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert again.metadata.icc_profile is None


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_white_is_white_whatever_the_depth(bits: int, channels: int, tmp_path: Path) -> None:
    pixels = np.full((16, 16, channels), 2**bits - 1, np.uint16)
    pixels[:8] //= 2
    data = imagecodecs.jpegxl_encode(pixels, lossless=True, bitspersample=bits)
    (tmp_path / "in.jxl").write_bytes(data)
    read = files.read(tmp_path / "in.jxl").pixels
    assert (read[8:] == 65535).all()
    assert np.abs(read[:8] / 65535 - 0.5).max() < 2.0**-bits


def test_a_lossy_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "in.jxl").write_bytes(imagecodecs.jpegxl_encode(samples("uint8"), distance=1.0))
    files.write(files.read(tmp_path / "in.jxl"), tmp_path / "out.jxl")
    assert files.read(tmp_path / "out.jxl").metadata.compression == "lossy"


def test_exif_and_xmp_are_kept(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A camera"
    metadata = Metadata(exif=tags.tobytes(), xmp=b"<x/>")
    files.write(ImageFile(pixels=samples("uint8"), metadata=metadata), tmp_path / "out.jxl")
    file_metadata = files.read(tmp_path / "out.jxl").metadata
    assert file_metadata.xmp == b"<x/>"
    assert file_metadata.exif == tags.tobytes()


def test_compressed_metadata_are_read(tmp_path: Path) -> None:
    data = imagecodecs.jpegxl_encode(samples("uint8"), usecontainer=True)
    body = b"xml " + imagecodecs.brotli_encode(b"<x/>")
    box = struct.pack(">I4s", 8 + len(body), b"brob") + body
    (tmp_path / "in.jxl").write_bytes(data + box)
    assert files.read(tmp_path / "in.jxl").metadata.xmp == b"<x/>"


def test_what_exif_asks_for_was_done_already(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6
    pixels = samples("uint8")
    photo = ImageFile(pixels=pixels, metadata=Metadata(exif=tags.tobytes()))
    files.write(photo, tmp_path / "out.jxl")
    again = files.read(tmp_path / "out.jxl")
    np.testing.assert_array_equal(again.pixels, pixels)
    exif_tags = Image.Exif()
    exif_tags.load(again.metadata.exif or b"")
    assert exif_tags[ExifTags.Base.Orientation] == 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("profile", RGB)
def test_only_srgb_and_its_linear_light_are_written(profile: str, dtype: str) -> None:
    photo = ImageFile(pixels=samples(dtype), metadata=Metadata(icc_profile=RGB[profile]))
    sound = ["none", "sRGB"] + ["linear"] * (dtype != "uint8")
    assert jxl.can_hold(photo) == (profile in sound)


@pytest.mark.parametrize("profile", GRAY)
def test_gray_is_held_to_the_same(profile: str) -> None:
    photo = ImageFile(pixels=samples("uint16", 1), metadata=Metadata(icc_profile=GRAY[profile]))
    assert jxl.can_hold(photo) == (profile in ("none", "gray, linear"))


@pytest.mark.parametrize("keep", [2, 12, 40, 60, 0.5])
def test_a_cut_off_file_is_damaged(keep: float, tmp_path: Path) -> None:
    data = imagecodecs.jpegxl_encode(samples("uint8"), usecontainer=True)
    (tmp_path / "in.jxl").write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises((BadImage, UnsupportedImage)):
        files.read(tmp_path / "in.jxl")
