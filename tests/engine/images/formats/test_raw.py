"""Camera raw: developed as it was shot, in linear light; named where nothing develops it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from tifffile import DATATYPE

from pixelmend.errors import OutputFailed, PackageMissing, PixelmendError, UnsupportedImage
from pixelmend_engine.images import files, kinds, metadata, stated_colors
from pixelmend_engine.images.formats import tiff

XYZ_TO_SRGB = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.204, 1.057)
EXIF = int(ExifTags.IFD.Exif)
PREVIEW = np.full((16, 24, 3), 255, np.uint8)


def fractions(values: Sequence[float]) -> tuple[int, ...]:
    """Returns them as TIFF has fractions: over and under."""
    return tuple(number for value in values for number in (round(value * 10_000), 10_000))


def mosaic(red: int, green: int, blue: int) -> np.ndarray:
    """Samples of a sensor that saw one color, 64 x 96."""
    samples = np.full((64, 96), green, np.uint16)
    samples[0::2, 0::2], samples[1::2, 1::2] = red, blue
    return samples


def save(path: Path, samples: np.ndarray, *, orientation: int = 1) -> None:
    """Writes a DNG file as a camera does whose colors are sRGB's and whose light was reddish."""
    tags = [
        (271, DATATYPE.ASCII, 9, "A camera\0", True),
        (272, DATATYPE.ASCII, 8, "Model 1\0", True),
        (274, DATATYPE.SHORT, 1, orientation, True),
        (33421, DATATYPE.SHORT, 2, (2, 2), True),
        (33422, DATATYPE.BYTE, 4, b"\0\1\1\2", True),
        (EXIF - 1, DATATYPE.LONG, 1, 0, True),
        (50706, DATATYPE.BYTE, 4, b"\1\4\0\0", True),
        (50708, DATATYPE.ASCII, 8, "Model 1\0", True),
        (50714, DATATYPE.SHORT, 1, 0, True),
        (50717, DATATYPE.LONG, 1, 65535, True),
        (50721, DATATYPE.SRATIONAL, 9, fractions(XYZ_TO_SRGB), True),
        (50728, DATATYPE.RATIONAL, 3, fractions((1, 0.5, 0.5)), True),
        (50778, DATATYPE.SHORT, 1, 21, True),
    ]
    with tifffile.TiffWriter(path) as file:
        file.write(samples, photometric=32803, metadata=None, software=False, extratags=tags)
        file.write(PREVIEW, photometric="rgb", subfiletype=1, metadata=None)
    tiff.append_folders({EXIF: {ExifTags.Base.ISOSpeedRatings: 400}}, path)


def test_it_is_developed_as_shot_in_linear_light(tmp_path: Path) -> None:
    save(tmp_path / "in.dng", mosaic(20_000, 10_000, 10_000))
    photo = files.read(tmp_path / "in.dng")
    assert (photo.sample_type, photo.pixels.shape) == ("U16", (64, 96, 3))
    # What was gray in that light is gray, and twice the light is twice the number.
    np.testing.assert_allclose(photo.pixels[8:-8, 8:-8], 20_000, atol=20)
    white, points = stated_colors.PRIMARIES[9]
    assert photo.metadata.icc_profile == stated_colors.profile(white, points, 1.0, gray=False)
    tags = metadata.parsed(photo.metadata.exif)
    assert tags[ExifTags.Base.Make] == b"A camera"
    assert tags[EXIF][ExifTags.Base.ISOSpeedRatings] == 400
    assert len(photo.notes) == 1
    assert photo.notes[0].startswith("it was developed from camera raw")


def test_it_stands_upright(tmp_path: Path) -> None:
    save(tmp_path / "in.dng", mosaic(20_000, 10_000, 10_000), orientation=6)
    photo = files.read(tmp_path / "in.dng")
    assert photo.pixels.shape == (96, 64, 3)
    assert photo.metadata.exif is not None
    assert metadata.orientation(photo.metadata.exif) == 1


def test_results_are_tiff_files_and_never_raw_ones(tmp_path: Path) -> None:
    assert kinds.result_name("trip/IMG_1.CR2") == "trip/IMG_1.tif"
    assert kinds.change("IMG_1.CR2", "IMG_1.tif") != []
    save(tmp_path / "in.dng", mosaic(20_000, 10_000, 10_000))
    photo = files.read(tmp_path / "in.dng")
    files.write(photo, tmp_path / "out.tif")
    np.testing.assert_array_equal(files.read(tmp_path / "out.tif").pixels, photo.pixels)
    with pytest.raises(OutputFailed, match="does not write"):
        files.check_format(photo, tmp_path / "out.dng")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.cr2", b"II*\0\x10\0\0\0CR\x02\0"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"),
        ("a.crw", b"II\x1a\0\0\0HEAPCCDR"),
        ("a.nef", b"MM\0*\0\0\0\x08"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201"),
        ("a.rw2", b"IIU\0\x18\0\0\0"),
        ("a.orf", b"IIRO\x08\0\0\0"),
        ("a.x3f", b"FOVb"),
        ("a.jpg", b"FUJIFILMCCD-RAW 0201"),
    ],
)
def test_without_the_extra_it_is_called_camera_raw(
    name: str, start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(start + bytes(64))
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(PackageMissing, match=f"`{name}` is a camera raw file") as caught:
        files.read(tmp_path / name)
    assert 'pip install "pixelmend[raw]"' in caught.value.hint


def test_what_the_library_does_not_know_is_told(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "in.tif")
    (tmp_path / "in.tif").rename(tmp_path / "in.nef")
    with pytest.raises(UnsupportedImage, match="LibRaw does not know"):
        files.read(tmp_path / "in.nef")


def test_raw_by_another_name_is_called_so(tmp_path: Path) -> None:
    save(tmp_path / "in.tif", mosaic(20_000, 10_000, 10_000))
    with pytest.raises(UnsupportedImage, match="camera raw file, though its name"):
        files.read(tmp_path / "in.tif")


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_as_damage(data: st.DataObject, tmp_path: Path) -> None:
    path, whole = tmp_path / "in.dng", tmp_path / "whole.dng"
    if not whole.exists():
        save(whole, mosaic(20_000, 10_000, 10_000))
    broken = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(8, 1000))] = data.draw(st.integers(0, 255))
    path.write_bytes(broken[: data.draw(st.integers(600, len(broken)))])
    try:
        files.read(path)
    except PixelmendError as error:
        assert error.code in ("bad-image", "unsupported-image")  # noqa: PT017 - or none
