"""Files in and out: what they hold is kept, what can't be kept is refused."""

import contextlib
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from pixelmend.errors import (
    BadImage,
    OutputExists,
    OutputFailed,
    PixelmendError,
    UnsupportedImage,
)
from pixelmend_engine import images
from pixelmend_engine.metadata import Metadata

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
        assert written.getexif().get(ExifTags.Base.Orientation, 1) == 1
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


@pytest.mark.parametrize(("transparency", "levels"), [(3, {0, 255}), (b"\0\x40\x80", None)])
def test_transparent_palette_colors_become_alpha(
    transparency: int | bytes, levels: set[int] | None, small: Image.Image, tmp_path: Path
) -> None:
    small.quantize(16).save(tmp_path / "in.png", transparency=transparency)
    photo = images.read(tmp_path / "in.png")
    assert photo.alpha is not None
    assert set(np.unique(photo.alpha)) == (levels or {0, 0x40, 0x80, 255})


def test_black_and_white_becomes_gray_and_says_so(small: Image.Image, tmp_path: Path) -> None:
    small.convert("1").save(tmp_path / "in.png")
    photo = images.read(tmp_path / "in.png")
    assert photo.gray
    assert photo.notes == ("black and white were replaced by shades of gray",)


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


@pytest.mark.parametrize("start", [b"II*\0", b"\xff\xd8\xff", b"\x89PNG", b"RIFF"])
def test_a_rare_kind_of_a_known_format_is_not_called_no_image(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "rare").write_bytes(start + bytes(64))
    with pytest.raises(UnsupportedImage, match="rare kind"):
        images.read(tmp_path / "rare")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_byte_of_a_file_breaks_the_reader_or_the_writer(
    ending: str, data: st.DataObject, small: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / f"whole{ending}"
    if not path.exists():
        small.resize((16, 16)).save(path, exif=exif(orientation=6), dpi=(300, 300))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(content), 400) - 1))
        content[place] = data.draw(st.integers(0, 255))
    broken = tmp_path / f"broken{ending}"
    broken.write_bytes(content)
    # Whatever happens, it is one of our own errors, or none.
    with contextlib.suppress(PixelmendError):
        photo = images.read(broken)
        for other in ENDINGS:
            images.check_format(photo, tmp_path / f"out{other}")
            images.write(photo, tmp_path / f"out{other}")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="no file"):
        images.read(tmp_path / "nothing.png")
    with pytest.raises(BadImage, match="is a folder"):
        images.read(tmp_path)


def test_transparency_is_not_lost_in_a_jpeg(small: Image.Image, tmp_path: Path) -> None:
    small.convert("RGBA").save(tmp_path / "opaque.png")
    images.check_format(images.read(tmp_path / "opaque.png"), tmp_path / "out.jpg")
    small.putalpha(128)
    small.save(tmp_path / "half.png")
    with pytest.raises(OutputFailed, match="transparency"):
        images.check_format(images.read(tmp_path / "half.png"), tmp_path / "out.jpg")


def test_opaque_alpha_is_left_out_of_a_jpeg(small: Image.Image, tmp_path: Path) -> None:
    small.convert("RGBA").save(tmp_path / "opaque.png")
    images.write(images.read(tmp_path / "opaque.png"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.mode == "RGB"


@pytest.mark.parametrize(("ending", "side"), [(".webp", 16_384), (".jpg", 65_501)])
def test_a_format_that_has_no_such_size_is_refused_before_the_work(
    ending: str, side: int, tmp_path: Path
) -> None:
    photo = images.Photo(pixels=np.zeros((8, side, 3), np.uint8))
    with pytest.raises(OutputFailed, match=f"a side of {side} pixels"):
        images.check_format(photo, tmp_path / f"out{ending}")


def test_more_exif_than_a_jpeg_holds_is_refused_before_the_work(tmp_path: Path) -> None:
    metadata = Metadata(exif=bytes(65_534))
    photo = images.Photo(pixels=np.zeros((8, 8, 3), np.uint8), metadata=metadata)
    with pytest.raises(OutputFailed, match="so much EXIF"):
        images.check_format(photo, tmp_path / "out.jpg")


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


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "result.png"

    def work() -> None:
        with images.replacing(target, overwrite=False) as temporary:
            temporary.write_bytes(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(OutputExists):
        work()
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    with images.replacing(tmp_path / "link.png", overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


def test_a_name_too_long_for_the_disk_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputFailed, match="can't be written"),
        images.replacing(tmp_path / ("n" * 300 + ".png"), overwrite=False),
    ):
        pass


def test_a_folder_is_no_result(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="is a folder"):
        images.check_format(images.read(photo), tmp_path)


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
