"""Files in and out: what they hold is kept, what can't be kept is refused."""

import contextlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from fakes import Function
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from profiles import GRAY, RGB

from pixelmend.errors import (
    BadImage,
    OutputFailed,
    PixelmendError,
    UnsupportedImage,
)
from pixelmend_engine.images import files
from pixelmend_engine.images.formats import jxl, pillow, tiff
from pixelmend_engine.images.formats import png as png_format
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata
from pixelmend_engine.images.xmp import PHOTOSHOP, Packet, Provenance
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.same_size import restore_same_size

ICC = b"a profile, carried along unread " * 8
ENDINGS = [".jpg", ".png", ".tif", ".webp"]
LOSSLESS = {  # what each format holds to the bit
    ".png": ["uint8", "uint16"],
    ".tif": ["uint8", "uint16", "float16", "float32"],
    ".jxl": ["uint8", "uint16", "float16", "float32"],
}


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
    files.write(files.read(tmp_path / f"in{ending}"), tmp_path / f"out{ending}")
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


def any_photo(draw: Callable[[st.SearchStrategy[Any]], Any], ending: str) -> ImageFile:
    """A picture of any depth, with any profile and size, and any values at all."""
    dtype = np.dtype(draw(st.sampled_from(LOSSLESS[ending])))
    channels = draw(st.integers(1, 4))
    shape = (draw(st.integers(8, 20)), draw(st.integers(8, 20)), channels)
    seed = draw(st.integers(0, 2**32 - 1))
    noise = np.random.default_rng(seed).bytes(int(np.prod(shape)) * dtype.itemsize)
    pixels = np.frombuffer(noise, dtype).reshape(shape)
    if dtype.kind == "f" and ending == ".jxl":
        # Its codec library does not keep what is no number, nor half floats too small to be normal
        # (below 6.1e-5, darker than a black of 14 bits).
        tiny = np.abs(np.nan_to_num(pixels)) < np.finfo(dtype).tiny
        pixels = np.where(tiny, np.zeros_like(pixels), np.nan_to_num(pixels))
    profile = draw(st.sampled_from(list((GRAY if channels < 3 else RGB).values())))
    return ImageFile(pixels=pixels, metadata=Metadata(icc_profile=profile))


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("ending", LOSSLESS)
def test_what_a_model_leaves_alone_comes_back_to_the_bit(
    ending: str, data: st.DataObject, tmp_path: Path
) -> None:
    photo = any_photo(data.draw, ending)
    source, result = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    if ending == ".jxl" and not jxl.can_hold(photo):
        with pytest.raises(OutputFailed, match="such colors"):
            files.check_format(photo, result)
        return
    files.write(photo, source)
    read = files.read(source)
    raster, _ = restore_same_size(
        files.to_raster(read), 1.0, Function(lambda picture: picture.clone()), Progress()
    )
    assert files.check_format(read, result) == []
    files.write(files.with_pixels(read, raster), result)
    again = files.read(result)
    assert again.pixels.dtype == photo.pixels.dtype
    assert again.pixels.tobytes() == photo.pixels.tobytes()
    assert again.metadata == read.metadata
    if ending != ".jxl":  # which says sRGB without a profile
        assert again.metadata.icc_profile == photo.metadata.icc_profile


@pytest.mark.parametrize(
    ("dtype", "ending", "bits"),
    [("uint16", ".jpg", 8), ("float32", ".webp", 8), ("float32", ".png", 16)],
)
def test_a_format_that_holds_less_is_written_and_said(
    dtype: str, ending: str, bits: int, tmp_path: Path
) -> None:
    ramp = np.linspace(0, 1, 64 * 64 * 3).reshape(64, 64, 3)
    pixels = (ramp * (1 if dtype == "float32" else 65535)).astype(dtype)
    photo = ImageFile(pixels=pixels)
    (note,) = files.check_format(photo, tmp_path / f"out{ending}")
    assert f"{bits} bits per channel" in note
    files.write(photo, tmp_path / f"out{ending}")
    written = files.read(tmp_path / f"out{ending}").pixels
    assert written.dtype.itemsize * 8 == bits
    # Half a step is what rounding costs, a bit more in float32; the lossy formats add their own.
    error = np.abs(written / np.iinfo(written.dtype).max - ramp)
    assert error.max() <= (0.51 / 65535 if ending == ".png" else 0.03)


def test_light_beyond_white_becomes_white_where_it_must(tmp_path: Path) -> None:
    pixels = np.array([-1, 0, 0.5, 1, 7, np.inf, -np.inf, np.nan], np.float32)
    photo = ImageFile(pixels=np.tile(pixels, (8, 1))[..., None])
    files.write(photo, tmp_path / "out.png")
    written = files.read(tmp_path / "out.png").pixels[0, :, 0]
    assert written.tolist() == [0, 0, 32768, 65535, 65535, 65535, 0, 0]


def test_floats_without_a_profile_are_taken_for_srgb_and_that_is_said(tmp_path: Path) -> None:
    files.write(ImageFile(pixels=np.zeros((8, 8, 3), np.float32)), tmp_path / "in.tif")
    (note,) = files.read(tmp_path / "in.tif").notes
    assert "sRGB was assumed" in note


def test_xmp_that_grows_when_it_is_written_is_refused_before_the_work(tmp_path: Path) -> None:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    quotes = '"' * 20_000  # each of which takes six bytes between double quotes
    packet = f"<r:RDF xmlns:r='{rdf}'><r:Description a='{quotes}'/></r:RDF>".encode()
    photo = ImageFile(pixels=np.zeros((8, 8, 3), np.uint8), metadata=Metadata(xmp=packet))
    with pytest.raises(OutputFailed, match="so much XMP"):
        files.check_format(photo, tmp_path / "out.jpg")


def test_iptc_that_has_no_place_is_said(tmp_path: Path) -> None:
    photo = ImageFile(pixels=np.zeros((8, 8, 3), np.uint8), metadata=Metadata(iptc=b"\x1c"))
    assert files.check_format(photo, tmp_path / "out.jpg") == []
    (note,) = files.check_format(photo, tmp_path / "out.webp")
    assert "IPTC" in note


PROVENANCE = Provenance(
    task="deblur", model="m", seed=0, version="1", source_type="algorithmicallyEnhanced"
)


@pytest.mark.parametrize("ending", [*ENDINGS, ".avif", ".jxl"])
def test_a_signed_picture_says_so_in_every_format(ending: str, photo: Path, tmp_path: Path) -> None:
    files.write(files.signed(files.read(photo), PROVENANCE), tmp_path / f"out{ending}")
    assert str(PROVENANCE).encode() in (tmp_path / f"out{ending}").read_bytes()
    packet = Packet(files.read(tmp_path / f"out{ending}").metadata.xmp)
    assert packet.text(PHOTOSHOP, "History") == f"{PROVENANCE}\n"


def test_xmp_that_can_not_be_read_is_kept_and_that_is_said() -> None:
    odd = ImageFile(pixels=np.zeros((8, 8, 3), np.uint8), metadata=Metadata(xmp=b"words"))
    signed = files.signed(odd, PROVENANCE)
    assert signed.metadata.xmp == b"words"
    (note,) = signed.notes
    assert "could not be read" in note


def test_a_mask_may_be_of_any_depth(tmp_path: Path) -> None:
    levels = np.tile(np.array([0, 0.5, 1], np.float32).repeat(4), (8, 1))[..., None]
    for name, pixels in (
        ("8.png", np.rint(levels * 255).astype(np.uint8)),
        ("16.png", np.rint(levels * 65535).astype(np.uint16)),
        ("32.tif", levels.repeat(3, axis=2)),
        ("transparent.png", np.dstack([np.full((8, 12), 255), levels * 255]).round().astype("u1")),
    ):
        files.write(ImageFile(pixels=pixels), tmp_path / name)
        assert np.unique(files.read_mask(tmp_path / name)).tolist() == [0, 128, 255]


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_lossless_files_are_written_as_they_were_read(
    ending: str, mode: str, small: Image.Image, tmp_path: Path
) -> None:
    source = small.convert(mode)
    if mode.endswith("A"):
        source.putalpha(Image.linear_gradient("L").resize(source.size))
    source.save(tmp_path / f"in{ending}")
    files.write(files.read(tmp_path / f"in{ending}"), tmp_path / f"out{ending}")
    with Image.open(tmp_path / f"out{ending}") as written:
        assert written.mode == mode
        np.testing.assert_array_equal(np.asarray(written), np.asarray(source))


@pytest.mark.parametrize("ending", ENDINGS)
def test_orientation_is_applied_once(ending: str, small: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / f"turned{ending}"
    small.save(path, exif=exif(orientation=6))
    photo = files.read(path)
    assert photo.pixels.shape[:2] == (small.width, small.height)
    files.write(photo, tmp_path / f"out{ending}")
    with Image.open(tmp_path / f"out{ending}") as written:
        assert written.size == (small.height, small.width)
        assert written.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert written.getexif()[ExifTags.Base.Make] == "A camera"


def test_tiff_compression_is_kept(small: Image.Image, tmp_path: Path) -> None:
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate"):
        small.save(tmp_path / "in.tif", compression=compression)
        files.write(files.read(tmp_path / "in.tif"), tmp_path / "out.tif")
        with Image.open(tmp_path / "out.tif") as written:
            assert written.info["compression"] == compression


def test_palette_becomes_full_color_and_says_so(small: Image.Image, tmp_path: Path) -> None:
    small.quantize(16).save(tmp_path / "in.png")
    photo = files.read(tmp_path / "in.png")
    assert photo.channels == "RGB"
    assert photo.notes == ("the palette was replaced by full color",)


@pytest.mark.parametrize(("transparency", "levels"), [(3, {0, 255}), (b"\0\x40\x80", None)])
def test_transparent_palette_colors_become_alpha(
    transparency: int | bytes, levels: set[int] | None, small: Image.Image, tmp_path: Path
) -> None:
    small.quantize(16).save(tmp_path / "in.png", transparency=transparency)
    photo = files.read(tmp_path / "in.png")
    assert photo.alpha is not None
    assert set(np.unique(photo.alpha)) == (levels or {0, 0x40, 0x80, 255})


def test_black_and_white_becomes_gray_and_says_so(small: Image.Image, tmp_path: Path) -> None:
    small.convert("1").save(tmp_path / "in.png")
    photo = files.read(tmp_path / "in.png")
    assert photo.channels == "Y"
    assert photo.notes == ("black and white were replaced by shades of gray",)


def test_first_picture_of_a_phones_file_is_read(small: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    small.save(path, "MPO", save_all=True, append_images=[small.resize((36, 28))])
    photo = files.read(path)
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


@pytest.mark.parametrize(("mode", "ending"), [("CMYK", ".jpg"), ("CMYK", ".tif"), ("LAB", ".tif")])
def test_other_color_models_are_refused(mode: str, ending: str, tmp_path: Path) -> None:
    Image.new(mode, (16, 16)).save(tmp_path / f"other{ending}")
    with pytest.raises(UnsupportedImage, match=mode):
        files.read(tmp_path / f"other{ending}")


@pytest.mark.parametrize("ending", [".webp", ".tif", ".png"])
def test_several_pictures_in_one_file_are_refused(
    ending: str, small: Image.Image, tmp_path: Path
) -> None:
    other = small.transpose(Image.Transpose.ROTATE_180)
    small.save(tmp_path / f"many{ending}", save_all=True, append_images=[other])
    with pytest.raises(UnsupportedImage, match="several pictures"):
        files.read(tmp_path / f"many{ending}")


def test_a_known_format_that_is_not_read_is_named(small: Image.Image, tmp_path: Path) -> None:
    small.save(tmp_path / "photo.pcx")
    with pytest.raises(UnsupportedImage, match="PCX"):
        files.read(tmp_path / "photo.pcx")


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
        files.read(tmp_path / "bad.png")


def test_a_truncated_jpeg_is_refused(small: Image.Image, tmp_path: Path) -> None:
    small.save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadImage, match="damaged, or cut off"):
        files.read(tmp_path / "cut.jpg")


@pytest.mark.parametrize("start", [b"\xff\xd8\xff", b"\x89PNG", b"RIFF"])
def test_a_rare_kind_of_a_known_format_is_not_called_no_image(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "rare").write_bytes(start + bytes(64))
    with pytest.raises(UnsupportedImage, match="rare kind"):
        files.read(tmp_path / "rare")


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("ending", [*ENDINGS, ".avif"])
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
        photo = files.read(broken)
        for other in ENDINGS:
            files.check_format(photo, tmp_path / f"out{other}")
            files.write(photo, tmp_path / f"out{other}")


@pytest.mark.parametrize("bug", [AttributeError, TypeError, KeyError, ValueError, RuntimeError])
@pytest.mark.parametrize(
    ("ending", "module", "name"),
    [(".png", png_format, "read"), (".tif", tiff, "_dpi"), (".webp", pillow, "_is_lossless")],
)
def test_a_bug_of_ours_is_not_told_as_damage(
    ending: str,
    module: ModuleType,
    name: str,
    bug: type[Exception],
    small: Image.Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def reader(*_: object, **__: object) -> None:
        raise bug("of ours")

    path = tmp_path / f"sound{ending}"
    small.save(path, dpi=(300, 300))
    monkeypatch.setattr(module, name, reader)
    with pytest.raises(bug, match="of ours"):
        files.read(path)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="no file"):
        files.read(tmp_path / "nothing.png")
    with pytest.raises(BadImage, match="is a folder"):
        files.read(tmp_path)


def test_transparency_is_not_lost_in_a_jpeg(small: Image.Image, tmp_path: Path) -> None:
    small.convert("RGBA").save(tmp_path / "opaque.png")
    files.check_format(files.read(tmp_path / "opaque.png"), tmp_path / "out.jpg")
    small.putalpha(128)
    small.save(tmp_path / "half.png")
    with pytest.raises(OutputFailed, match="transparency"):
        files.check_format(files.read(tmp_path / "half.png"), tmp_path / "out.jpg")


def test_opaque_alpha_is_left_out_of_a_jpeg(small: Image.Image, tmp_path: Path) -> None:
    small.convert("RGBA").save(tmp_path / "opaque.png")
    files.write(files.read(tmp_path / "opaque.png"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.mode == "RGB"


@pytest.mark.parametrize(("ending", "side"), [(".webp", 16_384), (".jpg", 65_501)])
def test_a_format_that_has_no_such_size_is_refused_before_the_work(
    ending: str, side: int, tmp_path: Path
) -> None:
    photo = ImageFile(pixels=np.zeros((8, side, 3), np.uint8))
    with pytest.raises(OutputFailed, match=f"a side of {side} pixels"):
        files.check_format(photo, tmp_path / f"out{ending}")


def test_more_exif_than_a_jpeg_holds_is_refused_before_the_work(tmp_path: Path) -> None:
    metadata = Metadata(exif=bytes(65_534))
    photo = ImageFile(pixels=np.zeros((8, 8, 3), np.uint8), metadata=metadata)
    with pytest.raises(OutputFailed, match="so much EXIF"):
        files.check_format(photo, tmp_path / "out.jpg")


def test_an_ending_that_names_no_format_is_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match=r"\.xyz"):
        files.check_format(files.read(photo), tmp_path / "out.xyz")


def test_a_folder_is_no_result(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="is a folder"):
        files.check_format(files.read(photo), tmp_path)


def test_an_orientation_in_xmp_alone_turns_nothing(tmp_path: Path) -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/'
        b'22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/'
        b'1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    Image.new("RGB", (16, 24)).save(tmp_path / "in.jpg", xmp=packet)
    photo = files.read(tmp_path / "in.jpg")
    assert photo.pixels.shape == (24, 16, 3)
    assert photo.metadata.xmp == packet


@pytest.mark.parametrize(("size", "fits"), [(65_533, True), (65_534, False)])
def test_as_much_exif_is_written_as_a_segment_holds(size: int, fits: bool, tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    packet = exif()
    photo = ImageFile(pixels=pixels, metadata=Metadata(exif=packet + bytes(size - len(packet))))
    if fits:
        assert files.check_format(photo, tmp_path / "out.jpg") == []
        files.write(photo, tmp_path / "out.jpg")
        assert files.read(tmp_path / "out.jpg").metadata.exif == photo.metadata.exif
    else:
        with pytest.raises(OutputFailed, match="so much EXIF"):
            files.check_format(photo, tmp_path / "out.jpg")
