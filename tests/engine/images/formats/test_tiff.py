"""TIFF: every depth, layout and compression that photographs come in; the rest is refused."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from pixelmend.errors import BadImage, UnsupportedImage
from pixelmend_engine.images import files, metadata
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata
from pixelmend_engine.images.sample_types import NAMES


def samples(dtype: str = "uint16", channels: int = 3) -> np.ndarray:
    """Noise of that type, 24 x 40 pixels."""
    noise = np.random.default_rng(0).random((24, 40, channels))
    return (noise * (1 if dtype[0] == "f" else np.iinfo(dtype).max)).astype(dtype)


def save(path: Path, pixels: np.ndarray, **options: Any) -> None:
    """Writes a file as other programs do."""
    gray = pixels.ndim == 2 or pixels.shape[2] < 3
    options = {"photometric": "minisblack" if gray else "rgb", "metadata": None} | options
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        options = {"extrasamples": ["unassalpha"], "planarconfig": "contig"} | options
    tifffile.imwrite(path, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, **options)


LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "tiles": {"tile": (16, 16)},
    "lzw": {"compression": "lzw"},
    "deflate": {"compression": "zlib"},
    "predictor": {"compression": "zlib", "predictor": True, "rowsperstrip": 5},
    "packbits": {"compression": "packbits"},
    "zstd": {"compression": "zstd"},
    "lzma": {"compression": "lzma"},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", NAMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(layout: str, dtype: str, channels: int, tmp_path: Path) -> None:
    pixels = samples(dtype, channels)
    save(tmp_path / "in.tif", pixels, **LAYOUTS[layout])
    photo = files.read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.pixels.dtype == dtype  # in the machine's byte order
    files.write(photo, tmp_path / "out.tif")
    again = files.read(tmp_path / "out.tif")
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.metadata.compression == photo.metadata.compression


def test_planes_are_read(tmp_path: Path) -> None:
    pixels = samples("uint16")
    save(tmp_path / "in.tif", np.moveaxis(pixels, 2, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(files.read(tmp_path / "in.tif").pixels, pixels)


def test_a_stored_negative_is_inverted_and_said(tmp_path: Path) -> None:
    pixels = samples("uint16", 1)
    save(tmp_path / "in.tif", pixels, photometric="miniswhite")
    photo = files.read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels, 65535 - pixels)
    assert photo.notes == ("it was stored as a negative, and is not any more",)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colors_multiplied_by_alpha_are_divided_and_said(dtype: str, tmp_path: Path) -> None:
    color = samples(dtype)
    alpha = samples(dtype, 1) // 2 + (0 if dtype == "float32" else 1)
    alpha[:4], alpha[4:8] = 0, 1 if dtype == "float32" else np.iinfo(dtype).max
    white = 1 if dtype == "float32" else np.iinfo(dtype).max
    multiplied = (color.astype(np.float64) * alpha / white).astype(dtype)
    save(
        tmp_path / "in.tif",
        np.concatenate([multiplied, alpha], axis=2),
        extrasamples=["assocalpha"],
    )
    photo = files.read(tmp_path / "in.tif")
    assert len(photo.notes) == (2 if dtype == "float32" else 1)
    np.testing.assert_array_equal(photo.pixels[..., 3:], alpha)
    np.testing.assert_array_equal(photo.pixels[4:8, :, :3], color[4:8])
    assert not photo.pixels[:4, :, :3].any()


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (samples("uint8", 4), {"photometric": "separated", "extrasamples": ()}, "CMYK"),
        (samples("uint8"), {"photometric": "cielab"}, "LAB"),
        (samples("uint32"), {}, "whole numbers of 32 bits"),
        (samples("uint16").astype("int16"), {}, "signed numbers of 16 bits"),
        (samples("float64"), {}, "floats of 64 bits"),
        (samples("uint16") // 16, {"bitspersample": 12}, "samples of 12 bits"),
        (
            samples("uint16", 5),
            {
                "photometric": "rgb",
                "planarconfig": "contig",
                "extrasamples": ["unassalpha", "unassalpha"],
            },
            "several channels of alpha",
        ),
    ],
    ids=["cmyk", "lab", "uint32", "int16", "float64", "12-bit", "two-alphas"],
)
def test_what_would_be_lost_is_refused(
    pixels: np.ndarray, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    save(tmp_path / "in.tif", pixels, **options)
    with pytest.raises(UnsupportedImage, match=message):
        files.read(tmp_path / "in.tif")


def test_pages_are_refused_but_previews_are_not_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "preview.tif") as file:
        file.write(samples(), photometric="rgb", metadata=None)
        file.write(samples()[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
    assert files.read(tmp_path / "preview.tif").pixels.shape == (24, 40, 3)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        file.write(samples(), photometric="rgb", metadata=None)
        file.write(samples(), photometric="rgb", metadata=None)
    with pytest.raises(UnsupportedImage, match="several pictures"):
        files.read(tmp_path / "pages.tif")


def test_a_preview_may_come_first(tmp_path: Path) -> None:
    turned = [(274, 3, 1, 6, True)]
    with tifffile.TiffWriter(tmp_path / "deep.tif") as file:
        file.write(samples()[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        file.write(samples(), photometric="rgb", metadata=None, extratags=turned)
    photo = files.read(tmp_path / "deep.tif")
    np.testing.assert_array_equal(photo.pixels, np.rot90(samples(), -1))
    with tifffile.TiffWriter(tmp_path / "jpeg.tif") as file:
        file.write(samples()[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        file.write(samples("uint8"), photometric="ycbcr", compression="jpeg", metadata=None)
    with pytest.raises(UnsupportedImage, match="behind another"):
        files.read(tmp_path / "jpeg.tif")


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_big_tiff_is_turned_upright(byteorder: str, tmp_path: Path) -> None:
    tags = [(274, 3, 1, 6, True), (271, 2, 9, b"A camera\0", True)]
    save(tmp_path / "in.tif", samples(), bigtiff=True, byteorder=byteorder, extratags=tags)
    photo = files.read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels, np.rot90(samples(), -1))
    assert photo.notes == ("its EXIF could not be read and was left out",)


def test_pages_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    save(tmp_path / "in.tif", samples())
    data = bytearray((tmp_path / "in.tif").read_bytes())
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    data[first + 2 + 12 * count : first + 6 + 12 * count] = data[4:8]
    (tmp_path / "in.tif").write_bytes(data)
    with pytest.raises((BadImage, UnsupportedImage)):
        files.read(tmp_path / "in.tif")


@pytest.mark.parametrize("code", [322, 323])
def test_tiles_without_size_are_damage(code: int, tmp_path: Path) -> None:
    save(tmp_path / "in.tif", samples(), tile=(16, 16))
    with tifffile.TiffFile(tmp_path / "in.tif") as file:
        place = file.pages.first.tags[code].valueoffset
    data = bytearray((tmp_path / "in.tif").read_bytes())
    data[place : place + 2] = b"\0\0"
    (tmp_path / "in.tif").write_bytes(data)
    with pytest.raises((BadImage, UnsupportedImage)):
        files.read(tmp_path / "in.tif")


def test_numbers_divided_by_a_tiny_alpha_stay_numbers(tmp_path: Path) -> None:
    pixels = np.full((8, 8, 4), 1e30, np.float32)
    pixels[..., 3] = 1e-30
    save(tmp_path / "in.tif", pixels, extrasamples=["assocalpha"])
    assert np.isfinite(files.read(tmp_path / "in.tif").pixels).all()


@pytest.mark.parametrize("kind", [1, 2, 7])
def test_xmp_is_read_whatever_type_it_is_said_to_be(kind: int, tmp_path: Path) -> None:
    tag = (700, kind, 6, b"<xmp/>", True)
    save(tmp_path / "in.tif", samples(), extratags=[tag])
    assert files.read(tmp_path / "in.tif").metadata.xmp == b"<xmp/>"


def test_iptc_among_photoshops_resources_is_read(tmp_path: Path) -> None:
    resources = metadata.iptc_resource(b"\x1c\x02\x05\0\x05Title")
    tag = (34377, 1, len(resources), resources, True)
    save(tmp_path / "in.tif", samples(), extratags=[tag])
    assert files.read(tmp_path / "in.tif").metadata.iptc == b"\x1c\x02\x05\0\x05Title"


def test_what_exif_points_to_further_is_left_out_whole(small: Image.Image, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.IFD.Exif] = {
        ExifTags.Base.ComponentsConfiguration: b"\1\2\3\0",
        ExifTags.IFD.Interop: {1: "R98"},
    }
    small.save(tmp_path / "in.jpg", exif=tags.tobytes())
    files.write(files.read(tmp_path / "in.jpg"), tmp_path / "out.tif")
    files.write(files.read(tmp_path / "out.tif"), tmp_path / "back.jpg")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        values = file.pages.first.tags[34665].value
    assert values == {"ComponentsConfiguration": b"\1\2\3\0"}
    exif_bytes = files.read(tmp_path / "back.jpg").metadata.exif or b""
    assert b"\x01\x91\x07\0\4\0\0\0\1\2\3\0" in exif_bytes  # the type is UNDEFINED, 7


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_turned_upright(orientation: int, tmp_path: Path) -> None:
    small = samples("uint8")
    Image.fromarray(small).save(tmp_path / "small.png", exif=_turned(orientation))
    expected = files.read(tmp_path / "small.png").pixels
    deep = small.astype(np.uint16) * 257
    save(tmp_path / "in.tif", deep, extratags=[(274, 3, 1, orientation, True)])
    photo = files.read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels, expected.astype(np.uint16) * 257)
    files.write(photo, tmp_path / "out.tif")
    np.testing.assert_array_equal(files.read(tmp_path / "out.tif").pixels, photo.pixels)


def _turned(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    return tags.tobytes()


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_exif_costs_no_compression(compression: str | None, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "Kamera aus München".encode()
    tags[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2020:02:02 20:20:02",
        ExifTags.Base.ExposureTime: (1, 125),
        ExifTags.Base.MakerNote: b"any bytes \0\1\2",
        ExifTags.Base.UserComment: b"UNICODE\0\0h\0i",
    }
    tags[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (48.0, 8.0, 6.5),
    }
    save(tmp_path / "plain.tif", samples(), compression=compression)
    plain = files.read(tmp_path / "plain.tif")
    expected = Metadata(exif=tags.tobytes(), compression=plain.metadata.compression)
    files.write(ImageFile(pixels=plain.pixels, metadata=expected), tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages.first
        assert page.compression == {None: 1, "lzw": 5, "zlib": 8}[compression]
        assert page.tags[34665].value["ExposureTime"] == (1, 125)
        assert page.tags[34853].value["GPSLatitudeRef"] == "N"
    exif_tags = Image.Exif()
    with (tmp_path / "out.tif").open("rb") as stream:
        exif_tags.load_from_fp(stream)
        assert exif_tags[ExifTags.Base.Make].encode("latin-1").decode() == "Kamera aus München"
        folder = exif_tags.get_ifd(ExifTags.IFD.Exif)
        assert folder[ExifTags.Base.MakerNote] == b"any bytes \0\1\2"
        assert folder[ExifTags.Base.DateTimeOriginal] == "2020:02:02 20:20:02"
    again = files.read(tmp_path / "out.tif")
    files.write(again, tmp_path / "again.tif")
    assert files.read(tmp_path / "again.tif").metadata == again.metadata


def test_resolutions_in_centimeters_are_read(tmp_path: Path) -> None:
    save(tmp_path / "in.tif", samples(), resolution=(100, 100), resolutionunit="centimeter")
    assert files.read(tmp_path / "in.tif").metadata.dpi == pytest.approx((254, 254))


def test_xmp_and_iptc_are_kept(tmp_path: Path) -> None:
    expected = Metadata(xmp=b"<x>\xc3\xa4</x>", iptc=b"\x1c\x02\x05\0\x05Title", dpi=(300.0, 299.5))
    files.write(ImageFile(pixels=samples(), metadata=expected), tmp_path / "out.tif")
    file_metadata = files.read(tmp_path / "out.tif").metadata
    assert (file_metadata.xmp, file_metadata.iptc) == (expected.xmp, expected.iptc)
    assert file_metadata.dpi == pytest.approx((300, 299.5))


def test_iptc_that_is_said_to_be_numbers_is_bytes(tmp_path: Path) -> None:
    iptc = b"\x1c\x02\x05\0\x05Title\0\0"
    numbers = tuple(np.frombuffer(iptc, "<u4").tolist())
    tag = (33723, 4, len(numbers), numbers, True)
    save(tmp_path / "in.tif", samples(), extratags=[tag])
    assert files.read(tmp_path / "in.tif").metadata.iptc == iptc


@pytest.mark.parametrize("layout", ["one strip", "strips", "tiles", "lzw", "predictor", "zstd"])
@pytest.mark.parametrize("keep", [0.05, 0.5, 0.95])
def test_a_cut_off_file_is_damaged(layout: str, keep: float, tmp_path: Path) -> None:
    save(tmp_path / "in.tif", samples(), **LAYOUTS[layout])
    data = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(data[: int(keep * len(data))])
    with pytest.raises(BadImage, match="damaged, or cut off"):
        files.read(tmp_path / "in.tif")


def without_tag(data: bytes, code: int) -> bytes:
    """Takes a tag out of the first folder of a file, if it is there."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [data[place : place + 12] for place in range(start + 2, start + 2 + 12 * count, 12)]
    kept = [entry for entry in entries if struct.unpack_from("<H", entry) != (code,)]
    assert count - len(kept) < 2
    folder = struct.pack("<H", len(kept)) + b"".join(kept) + bytes(4)
    return data[:start] + folder + data[start + len(folder) :]


DEFAULTS = {
    "compression": 259,
    "photometric": 262,
    "byte counts": 279,
    "x resolution": 282,
    "planes": 284,
    "unit": 296,
    "software": 305,
}


@pytest.mark.parametrize("tag", DEFAULTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tag_that_is_missing_means_its_default(tag: str, channels: int, tmp_path: Path) -> None:
    pixels = samples("uint16", channels)
    save(tmp_path / "in.tif", pixels, rowsperstrip=7, software="a program")
    data = without_tag((tmp_path / "in.tif").read_bytes(), DEFAULTS[tag])
    (tmp_path / "in.tif").write_bytes(data)
    photo = files.read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.notes == ()


@pytest.mark.parametrize("layout", ["tiles", "planes", "lzw strips"])
def test_byte_counts_that_are_missing_are_reckoned(layout: str, tmp_path: Path) -> None:
    pixels = samples("uint8")
    options: dict[str, Any] = {
        "tiles": {"tile": (16, 16)},
        "planes": {"planarconfig": "separate", "rowsperstrip": 7},
        "lzw strips": {"compression": "lzw", "rowsperstrip": 7},
    }[layout]
    written = np.moveaxis(pixels, -1, 0) if layout == "planes" else pixels
    tifffile.imwrite(
        tmp_path / "in.tif", written, photometric="rgb", metadata=None, software=False, **options
    )
    data = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(without_tag(data, 325 if layout == "tiles" else 279))
    np.testing.assert_array_equal(files.read(tmp_path / "in.tif").pixels, pixels)


@pytest.mark.parametrize(
    "kinds",
    [["unspecified"], ["unassalpha", "unspecified"], ["unspecified", "unassalpha"], []],
    ids=["infrared", "alpha first", "alpha last", "not stated"],
)
def test_further_channels_are_kept_to_the_bit(kinds: list[str], tmp_path: Path) -> None:
    pixels = samples("uint16", 3 + max(len(kinds), 1))
    save(tmp_path / "in.tif", pixels, extrasamples=kinds or ["unspecified"], planarconfig="contig")
    if not kinds:
        data = without_tag((tmp_path / "in.tif").read_bytes(), 338)
        (tmp_path / "in.tif").write_bytes(data)
    photo = files.read(tmp_path / "in.tif")
    place = 3 + (kinds.index("unspecified") if kinds else 0)
    assert photo.channels == ("RGBA" if len(kinds) > 1 else "RGB")
    assert photo.further is not None
    np.testing.assert_array_equal(photo.further[..., 0], pixels[..., place])
    np.testing.assert_array_equal(photo.pixels[..., :3], pixels[..., :3])
    assert files.check_format(photo, tmp_path / "out.tif") == []
    files.write(photo, tmp_path / "out.tif")
    again = files.read(tmp_path / "out.tif")
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    np.testing.assert_array_equal(again.further, photo.further)


def test_further_channels_that_have_no_place_are_told(tmp_path: Path) -> None:
    photo = ImageFile(pixels=samples("uint16"), further=samples("uint16", 1))
    (note,) = files.check_format(photo, tmp_path / "out.png")
    assert "further channels were left out; only TIFF files hold them" in note
    (note,) = files.check_format(photo, tmp_path / "out.tif", scale=2.0)
    assert "they have the size of before" in note
    larger = ImageFile(pixels=np.zeros((48, 80, 3), np.uint16))
    assert files.with_pixels(photo, files.to_raster(larger)).further is None
