"""Files in and out: what they hold is kept, what can't be kept is refused."""

import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from pixelmend.errors import BadImage, OutputExists, OutputFailed, UnsupportedImage
from pixelmend_engine import images

ICC = b"a profile, carried along unread " * 8
ENDINGS = [".jpg", ".png", ".tif", ".webp"]


def exif(orientation: int | None = None) -> bytes:
    """Metadata as a camera writes it, in the main folder and two more."""
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A camera"
    tags[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2020:02:02 20:20:02"}
    tags[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    if orientation:
        tags[ExifTags.Base.Orientation] = orientation
    return tags.tobytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_metadata_is_kept(ending: str, small: Image.Image, tmp_path: Path) -> None:
    small.save(tmp_path / f"in{ending}", exif=exif(), icc_profile=ICC, dpi=(300, 300))
    images.write(images.read(tmp_path / f"in{ending}"), tmp_path / f"out{ending}")
    with Image.open(tmp_path / f"out{ending}") as written:
        written.load()
        tags = written.getexif()
        assert tags[ExifTags.Base.Make] == "A camera"
        taken = tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal]
        assert taken == "2020:02:02 20:20:02"
        assert tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
        assert written.info["icc_profile"] == ICC
        if ending != ".webp":  # the format has no field for it
            assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_lossless_files_are_written_as_they_were_read(
    ending: str, mode: str, small: Image.Image, tmp_path: Path
) -> None:
    source = small.convert(mode)
    if mode.endswith("A"):
        source.putalpha(Image.linear_gradient("L").resize(source.size))
    source.save(tmp_path / f"in{ending}")
    images.write(images.read(tmp_path / f"in{ending}"), tmp_path / f"out{ending}")
    with Image.open(tmp_path / f"out{ending}") as written:
        assert written.mode == mode
        np.testing.assert_array_equal(np.asarray(written), np.asarray(source))


@pytest.mark.parametrize("ending", ENDINGS)
def test_orientation_is_applied_once(ending: str, small: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / f"turned{ending}"
    small.save(path, exif=exif(orientation=6))
    photo = images.read(path)
    assert photo.pixels.shape[:2] == (small.width, small.height)
    images.write(photo, tmp_path / f"out{ending}")
    with Image.open(tmp_path / f"out{ending}") as written:
        assert written.size == (small.height, small.width)
        assert ExifTags.Base.Orientation not in written.getexif()
        assert written.getexif()[ExifTags.Base.Make] == "A camera"


def test_tiff_compression_is_kept(small: Image.Image, tmp_path: Path) -> None:
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate"):
        small.save(tmp_path / "in.tif", compression=compression)
        images.write(images.read(tmp_path / "in.tif"), tmp_path / "out.tif")
        with Image.open(tmp_path / "out.tif") as written:
            assert written.info["compression"] == compression


def test_palette_becomes_full_color_and_says_so(small: Image.Image, tmp_path: Path) -> None:
    small.quantize(16).save(tmp_path / "in.png")
    photo = images.read(tmp_path / "in.png")
    assert not photo.gray
    assert photo.notes == ("the palette was replaced by full color",)


def test_transparent_palette_color_becomes_alpha(small: Image.Image, tmp_path: Path) -> None:
    small.quantize(16).save(tmp_path / "in.png", transparency=3)
    photo = images.read(tmp_path / "in.png")
    assert photo.alpha is not None
    assert set(np.unique(photo.alpha)) == {0, 255}


def test_first_picture_of_a_phones_file_is_read(small: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    small.save(path, "MPO", save_all=True, append_images=[small.resize((36, 28))])
    photo = images.read(path)
    assert photo.pixels.shape == (56, 72, 3)
    assert photo.notes == ("only the first of the file's pictures was restored",)


def png(width: int, height: int, depth: int, color_type: int, data: bytes) -> bytes:
    """Builds a PNG file by hand, for what Pillow does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_16_bit_color_is_refused_not_reduced(tmp_path: Path) -> None:
    row = b"\0" + b"\x12\x34" * 3 * 16
    (tmp_path / "deep.png").write_bytes(png(16, 16, 16, 2, row * 16))
    with pytest.raises(UnsupportedImage, match="more than 8 bits"):
        images.read(tmp_path / "deep.png")


def test_16_bit_color_tiff_is_refused_not_reduced(tmp_path: Path) -> None:
    samples = np.full((16, 16, 3), 0x1234, "<u2").tobytes()
    tags = [
        (256, 3, 1, 16),
        (257, 3, 1, 16),
        (258, 3, 3, 8 + 2 + 10 * 12 + 4),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8 + 2 + 10 * 12 + 4 + 6),
        (277, 3, 1, 3),
        (278, 3, 1, 16),
        (279, 4, 1, len(samples)),
        (284, 3, 1, 1),
    ]
    folder = struct.pack("<H", 10) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    body = folder + bytes(4) + struct.pack("<HHH", 16, 16, 16) + samples
    (tmp_path / "deep.tif").write_bytes(struct.pack("<2sHI", b"II", 42, 8) + body)
    with Image.open(tmp_path / "deep.tif") as opened:
        assert opened.mode == "RGB"  # so Pillow would have taken it for 8 bits
    with pytest.raises(UnsupportedImage, match="more than 8 bits"):
        images.read(tmp_path / "deep.tif")


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_gray_is_refused_not_reduced(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (16, 16)).save(tmp_path / "deep.tif")
    with pytest.raises(UnsupportedImage, match="more than 8 bits"):
        images.read(tmp_path / "deep.tif")


@pytest.mark.parametrize(("mode", "ending"), [("CMYK", ".jpg"), ("CMYK", ".tif"), ("LAB", ".tif")])
def test_other_color_models_are_refused(mode: str, ending: str, tmp_path: Path) -> None:
    Image.new(mode, (16, 16)).save(tmp_path / f"other{ending}")
    with pytest.raises(UnsupportedImage, match=mode):
        images.read(tmp_path / f"other{ending}")


@pytest.mark.parametrize("ending", [".webp", ".tif", ".png"])
def test_several_pictures_in_one_file_are_refused(
    ending: str, small: Image.Image, tmp_path: Path
) -> None:
    other = small.transpose(Image.Transpose.ROTATE_180)
    small.save(tmp_path / f"many{ending}", save_all=True, append_images=[other])
    with pytest.raises(UnsupportedImage, match="several pictures"):
        images.read(tmp_path / f"many{ending}")


def test_a_known_format_that_is_not_read_is_named(small: Image.Image, tmp_path: Path) -> None:
    small.save(tmp_path / "photo.bmp")
    with pytest.raises(UnsupportedImage, match="BMP"):
        images.read(tmp_path / "photo.bmp")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"These are words.", "no image"),
        (png(30_000, 30_000, 8, 2, b""), "more than 150 megapixels"),
        (png(15_000, 12_000, 8, 2, b""), "more than 150 megapixels"),
        (png(1, 1, 8, 2, bytes(4)), "too small"),
        (png(400, 7, 8, 2, bytes(1201 * 7)), "too small"),
        (png(16, 16, 8, 2, b"\0"), "damaged"),
    ],
    ids=["empty", "text", "bomb", "large", "1x1", "7-high", "cut-off"],
)
def test_what_is_no_picture_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(BadImage, match=message):
        images.read(tmp_path / "bad.png")


def test_a_truncated_jpeg_is_refused(small: Image.Image, tmp_path: Path) -> None:
    small.save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadImage, match="damaged, or cut off"):
        images.read(tmp_path / "cut.jpg")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="no file"):
        images.read(tmp_path / "nothing.png")
    with pytest.raises(BadImage, match="is a folder"):
        images.read(tmp_path)


def test_transparency_is_not_lost_in_a_jpeg(small: Image.Image, tmp_path: Path) -> None:
    small.convert("RGBA").save(tmp_path / "in.png")
    with pytest.raises(OutputFailed, match="transparency"):
        images.check_format(images.read(tmp_path / "in.png"), tmp_path / "out.jpg")


def test_an_ending_that_names_no_format_is_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match=r"\.xyz"):
        images.check_format(images.read(photo), tmp_path / "out.xyz")


def test_replacing_leaves_no_trace_of_failed_work(tmp_path: Path) -> None:
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there")

    def work() -> None:
        with images.replacing(target, overwrite=True) as temporary:
            temporary.write_bytes(b"half a pic")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert target.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [target]


def test_replacing_is_refused_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there")
    with pytest.raises(OutputExists), images.replacing(target, overwrite=False):
        pass
    with images.replacing(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions there are no bits")
def test_results_get_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with images.replacing(tmp_path / "result.png", overwrite=False) as temporary:
            temporary.write_bytes(b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "result.png").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_found_before_the_work(tmp_path: Path) -> None:
    worked = False
    with (
        pytest.raises(OutputFailed, match="can't be written"),
        images.replacing(tmp_path / "nowhere" / "result.png", overwrite=False),
    ):
        worked = True
    assert not worked
