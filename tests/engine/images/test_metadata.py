"""What a file says beside its pixels survives, also where it is odd."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from pixelmend_engine.images import files, metadata
from pixelmend_engine.images.metadata import Metadata


def tags(**more: object) -> Image.Exif:
    """Metadata with a maker's note and whatever else is asked for."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.MakerNote: b"points into these bytes"}
    exif.update({ExifTags.Base[name]: value for name, value in more.items()})
    return exif


def with_thumbnail(exif: Image.Exif) -> bytes:
    """Adds a second folder behind the first, as cameras do for the thumbnail."""
    raw = bytearray(exif.tobytes())
    start = 6
    count = int.from_bytes(raw[start + 8 : start + 10], "big")
    link = start + 10 + 12 * count
    raw[link : link + 4] = (len(raw) - start).to_bytes(4, "big")
    return bytes(raw) + (1).to_bytes(2, "big") + bytes(12 + 4) + b"a thumbnail"


@pytest.mark.parametrize("orientation", [None, 1])
def test_exif_of_an_upright_picture_is_kept_to_the_byte(
    orientation: int | None, small: Image.Image, tmp_path: Path
) -> None:
    exif = with_thumbnail(tags(Orientation=orientation) if orientation else tags())
    small.save(tmp_path / "in.jpg", exif=exif)
    files.write(files.read(tmp_path / "in.jpg"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.info["exif"] == exif


def test_turning_changes_the_orientation_and_cuts_off_the_thumbnail(
    small: Image.Image, tmp_path: Path
) -> None:
    exif = with_thumbnail(tags(Orientation=8))
    small.save(tmp_path / "in.jpg", exif=exif)
    files.write(files.read(tmp_path / "in.jpg"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.getexif()[ExifTags.Base.Orientation] == 1
        assert not written.getexif().get_ifd(ExifTags.IFD.IFD1)
        changed = [a != b for a, b in zip(written.info["exif"], exif, strict=True)]
    assert 2 <= sum(changed) <= 5  # the value, and the link to the thumbnail's folder


def test_sizes_in_the_metadata_do_not_become_those_of_a_tiff(
    small: Image.Image, tmp_path: Path
) -> None:
    exif = tags(ImageWidth=4000, ImageLength=3000, Orientation=6)
    small.save(tmp_path / "in.png", exif=exif.tobytes())
    photo = files.read(tmp_path / "in.png")
    files.write(photo, tmp_path / "out.tif")
    again = files.read(tmp_path / "out.tif")
    np.testing.assert_array_equal(again.pixels, photo.pixels)


def test_unreadable_exif_is_left_out_and_said(small: Image.Image, tmp_path: Path) -> None:
    small.save(tmp_path / "in.png", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f and no more")
    photo = files.read(tmp_path / "in.png")
    files.write(photo, tmp_path / "out.png")
    np.testing.assert_array_equal(photo.pixels, np.asarray(small))


@pytest.mark.parametrize("dpi", [(0.0, 0.0), (float("nan"), 72.0), (-3.0, 72.0), (1e12, 1e12)])
def test_impossible_resolutions_are_left_out(dpi: tuple[float, float]) -> None:
    assert metadata.sound_dpi(*dpi) is None


def test_a_lossless_webp_stays_lossless(small: Image.Image, tmp_path: Path) -> None:
    small.putalpha(Image.linear_gradient("L").resize(small.size))
    for profile in (None, b"a profile"):
        small.save(tmp_path / "in.webp", lossless=True, exact=True, icc_profile=profile)
        photo = files.read(tmp_path / "in.webp")
        files.write(photo, tmp_path / "out.webp")
        again = files.read(tmp_path / "out.webp")
        np.testing.assert_array_equal(again.pixels, photo.pixels)
        np.testing.assert_array_equal(again.alpha, photo.alpha)
    small.save(tmp_path / "in.webp", quality=80)
    assert files.read(tmp_path / "in.webp").metadata.compression is None


def test_plain_tags_do_not_cost_a_tiff_its_compression(small: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    small.save(tmp_path / "in.tif", exif=exif.tobytes(), compression="tiff_lzw")
    files.write(files.read(tmp_path / "in.tif"), tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as written:
        assert written.info["compression"] == "tiff_lzw"
        assert written.getexif()[ExifTags.Base.Make] == "A camera"


@pytest.mark.parametrize("order", ["<", ">"])
def test_sides_that_exif_states_grow_with_the_picture(order: str, small: Image.Image) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif[ExifTags.Base.Make] = "A camera"
    exif[ExifTags.Base.ImageWidth] = 60_000
    exif[ExifTags.Base.XResolution] = IFDRational(300, 1)
    exif[ExifTags.Base.YResolution] = IFDRational(145, 2)
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.MakerNote: b"points into these bytes",
        ExifTags.Base.ExifImageWidth: 96,
        ExifTags.Base.ExifImageHeight: 64,
    }
    raw = exif.tobytes()
    file_metadata = metadata.resized(Metadata(exif=raw, dpi=(300.0, 72.0)), 4.0, 2.0)
    assert file_metadata.dpi == (1200, 144)
    assert file_metadata.exif is not None
    assert len(file_metadata.exif) == len(raw)  # nothing moved
    grown = Image.Exif()
    grown.load(file_metadata.exif)
    assert grown[ExifTags.Base.ImageWidth] == 240_000
    assert (grown[ExifTags.Base.XResolution], grown[ExifTags.Base.YResolution]) == (1200, 145)
    inner = grown.get_ifd(ExifTags.IFD.Exif)
    assert (inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight]) == (384, 128)
    assert inner[ExifTags.Base.MakerNote] == b"points into these bytes"


@pytest.mark.parametrize("order", ["<", ">"])
def test_sides_that_exif_states_are_those_of_the_upright_picture(order: str) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XResolution] = IFDRational(300, 1)
    exif[ExifTags.Base.YResolution] = IFDRational(150, 1)
    sides = {ExifTags.Base.ExifImageWidth: 96, ExifTags.Base.ExifImageHeight: 64}
    exif[ExifTags.IFD.Exif] = sides
    raw = exif.tobytes()
    turned = Image.Exif()
    turned.load(metadata.turned_upright(raw))
    assert turned[ExifTags.Base.Orientation] == 1
    assert (turned[ExifTags.Base.XResolution], turned[ExifTags.Base.YResolution]) == (150, 300)
    inner = turned.get_ifd(ExifTags.IFD.Exif)
    assert (inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight]) == (64, 96)
    exif[ExifTags.Base.Orientation] = 3  # on its head
    turned.load(metadata.turned_upright(exif.tobytes()))
    assert dict(turned.get_ifd(ExifTags.IFD.Exif)) == sides


def test_exif_that_can_not_be_read_grows_to_nothing_else() -> None:
    for odd in (b"", b"Exif\0\0", b"II*\0\xff\xff\0\0"):
        assert metadata.resized(Metadata(exif=odd), 2.0, 2.0).exif == odd
