"""PNG of 8 and 16 bits, written with chunks that other programs read."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from profiles import RGB

from pixelmend.errors import BadImage, UnsupportedImage
from pixelmend_engine.images import files, stated_colors
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata


def chunk(kind: bytes, body: bytes) -> bytes:
    """Builds one piece of a file by hand, for what Pillow does not write."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels: np.ndarray, *more: bytes) -> bytes:
    """Builds a file of 16 bits, with further chunks before the pixels."""
    height, width, channels = pixels.shape
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    first, *last = (chunk(*parts) for parts in chunks)
    return b"\x89PNG\r\n\x1a\n" + first + b"".join(more) + b"".join(last)


def samples(channels: int) -> np.ndarray:
    """Noise of 16 bits, 24 x 40 pixels."""
    return np.random.default_rng(0).integers(0, 65536, (24, 40, channels), np.uint16)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_stay_16_bits(channels: int, tmp_path: Path) -> None:
    pixels = samples(channels)
    (tmp_path / "in.png").write_bytes(png(pixels))
    photo = files.read(tmp_path / "in.png")
    np.testing.assert_array_equal(photo.pixels, pixels)
    files.write(photo, tmp_path / "out.png")
    np.testing.assert_array_equal(files.read(tmp_path / "out.png").pixels, pixels)
    assert (tmp_path / "out.png").read_bytes()[24] == 16


def test_one_transparent_color_becomes_alpha(tmp_path: Path) -> None:
    pixels = samples(3)
    pixels[:4] = 0x1234
    (tmp_path / "in.png").write_bytes(png(pixels, chunk(b"tRNS", b"\x12\x34" * 3)))
    photo = files.read(tmp_path / "in.png")
    assert photo.alpha is not None
    assert not photo.alpha[:4].any()
    assert (photo.alpha[4:] == 65535).all()


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_written_other_programs_read(deep: bool, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A camera"
    metadata = Metadata(
        exif=tags.tobytes(),
        icc_profile=RGB["Adobe RGB"],
        xmp="<x>ä</x>".encode(),
        iptc=b"\x1c\x02\x05\0\x05Title",
        dpi=(300.0, 150.0),
    )
    pixels = samples(3) if deep else samples(3).astype(np.uint8)
    files.write(ImageFile(pixels=pixels, metadata=metadata), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as written:
        written.load()
        assert written.getexif()[ExifTags.Base.Make] == "A camera"
        assert written.info["icc_profile"] == RGB["Adobe RGB"]
        assert written.info["xmp"] == metadata.xmp
        assert written.info["dpi"] == pytest.approx((300, 150), abs=0.02)  # whole dots a meter
    file_metadata = files.read(tmp_path / "out.png").metadata
    assert file_metadata.iptc == metadata.iptc


@pytest.mark.parametrize("text", ["", "iptc 5 zz", "\niptc\n 8\n3842494d"])
def test_iptc_that_is_none_is_left_out(text: str, tmp_path: Path) -> None:
    more = chunk(b"tEXt", b"Raw profile type iptc\0" + text.encode())
    (tmp_path / "in.png").write_bytes(png(samples(3), more))
    assert files.read(tmp_path / "in.png").metadata.iptc is None


def test_profiles_of_megabytes_are_read(tmp_path: Path) -> None:
    profile = np.random.default_rng(0).bytes(3_000_000)
    metadata = Metadata(icc_profile=profile)
    files.write(ImageFile(pixels=samples(3), metadata=metadata), tmp_path / "out.png")
    assert files.read(tmp_path / "out.png").metadata.icc_profile == profile


@pytest.mark.parametrize("name", ["exif", "APP1"])
def test_metadata_from_before_png_had_a_place_for_them_are_read(name: str, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A camera"
    tags[ExifTags.Base.Orientation] = 6
    texts = {name: tags.tobytes(), "xmp": b"words"}
    chunks = [
        chunk(b"tEXt", f"Raw profile type {key}\0\n{key}\n {len(data)}\n{data.hex()}".encode())
        for key, data in texts.items()
    ]
    (tmp_path / "in.png").write_bytes(png(samples(3), *chunks))
    photo = files.read(tmp_path / "in.png")
    assert photo.pixels.shape == (40, 24, 3)
    assert b"A camera" in (photo.metadata.exif or b"")
    assert photo.notes == ("its XMP could not be read and was left out",)


@pytest.mark.parametrize("keep", [20, 40, 0.5])
def test_a_cut_off_file_is_damaged(keep: float, tmp_path: Path) -> None:
    data = png(samples(3))
    (tmp_path / "in.png").write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises((BadImage, UnsupportedImage), match="damaged"):
        files.read(tmp_path / "in.png")


def iptc_text(name: str, data: bytes) -> bytes:
    """Builds the chunk that holds IPTC, with the name that a program gives it in its first line."""
    text = f"\n{name}\n{len(data):8}\n{data.hex()}\n".encode()
    return chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(text))


@pytest.mark.parametrize("name", ["iptc", "IPTC profile"])  # ImageMagick's name, ExifTool's
def test_iptc_is_read_whoever_wrote_it(name: str, tmp_path: Path) -> None:
    records = b"\x1c\x02\x78\x00\x05hello"
    (tmp_path / "in.png").write_bytes(png(samples(3), iptc_text(name, records)))
    assert files.read(tmp_path / "in.png").metadata.iptc == records


def test_cicp_becomes_a_profile_and_goes_before_others(tmp_path: Path) -> None:
    p3 = chunk(b"cICP", b"\x0c\x0d\0\1")
    (tmp_path / "in.png").write_bytes(png(samples(3), p3, chunk(b"gAMA", struct.pack(">I", 45455))))
    photo = files.read(tmp_path / "in.png")
    assert photo.metadata.icc_profile == stated_colors.of_codes(12, 13, "", gray=False)
    assert photo.notes == ("its colors, which cICP stated, are stated by a color profile now",)
    files.write(photo, tmp_path / "out.png")
    again = files.read(tmp_path / "out.png")
    assert again.metadata == photo.metadata


def test_cicp_of_hdr_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(png(samples(3), chunk(b"cICP", b"\x09\x10\0\1")))
    with pytest.raises(UnsupportedImage, match=r"HDR picture \(PQ\)"):
        files.read(tmp_path / "in.png")


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ([chunk(b"gAMA", struct.pack(">I", 100_000))], True),
        ([chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"sRGB", b"\0")], False),
        ([chunk(b"gAMA", struct.pack(">I", 45455))], False),
        ([chunk(b"cHRM", bytes(32))], False),  # which no light has
    ],
)
def test_gamma_becomes_a_profile_where_it_is_not_srgbs(
    more: list[bytes], kept: bool, tmp_path: Path
) -> None:
    (tmp_path / "in.png").write_bytes(png(samples(3), *more))
    assert (files.read(tmp_path / "in.png").metadata.icc_profile is not None) is kept
