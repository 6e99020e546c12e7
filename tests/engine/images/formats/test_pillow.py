"""JPEG, WebP and AVIF: what they hold is kept, what they would lose is refused or said."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image
from profiles import GRAY

from pixelmend.errors import BadImage, OutputFailed, UnsupportedImage
from pixelmend_engine.images import files, stated_colors
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata, iptc_resource

IPTC = b"\x1c\x02\x05\0\x05Title"
TURNED_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'tiff:Orientation="6" tiff:Make="A camera"/></rdf:RDF></x:xmpmeta>'
)


def test_iptc_and_xmp_of_a_jpeg_are_kept(small: Image.Image, tmp_path: Path) -> None:
    metadata = Metadata(iptc=IPTC, xmp=b"<x/>")
    files.write(ImageFile(pixels=np.asarray(small), metadata=metadata), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.info["photoshop"][0x0404] == IPTC
        assert written.info["xmp"] == b"<x/>"
    file_metadata = files.read(tmp_path / "out.jpg").metadata
    assert (file_metadata.iptc, file_metadata.xmp) == (IPTC, b"<x/>")


def test_iptc_with_other_resources_around_is_found(small: Image.Image, tmp_path: Path) -> None:
    other = b"8BIM\x04\x25\x00\x00\x00\x00\x00\x02ab"
    body = b"Photoshop 3.0\0" + other + iptc_resource(IPTC) + other
    small.save(tmp_path / "in.jpg", extra=b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body)
    assert files.read(tmp_path / "in.jpg").metadata.iptc == IPTC


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_xmp_says_upright_once_the_picture_is(
    ending: str, small: Image.Image, tmp_path: Path
) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6
    metadata = Metadata(exif=tags.tobytes(), xmp=TURNED_XMP)
    files.write(ImageFile(pixels=np.asarray(small), metadata=metadata), tmp_path / f"in{ending}")
    actual = files.read(tmp_path / f"in{ending}")
    if ending == ".tif":  # where orientation describes the file, and is not carried along
        assert actual.pixels.shape == (small.height, small.width, 3)
        return
    assert actual.pixels.shape == (small.width, small.height, 3)
    assert b">1</tiff:Orientation>" in (actual.metadata.xmp or b"")
    assert b"A camera" in (actual.metadata.xmp or b"")


def test_xmp_that_goes_on_elsewhere_is_left_out_and_that_is_said(
    small: Image.Image, tmp_path: Path
) -> None:
    more = b'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="0123" tiff:Orientation='
    packet = TURNED_XMP.replace(b"tiff:Orientation=", more)
    small.save(tmp_path / "in.jpg", xmp=packet)
    photo = files.read(tmp_path / "in.jpg")
    assert photo.notes == ("the part of its XMP above 64 KB was left out",)
    assert b"HasExtendedXMP" not in (photo.metadata.xmp or b"")
    assert b"A camera" in (photo.metadata.xmp or b"")


def test_webp_and_avif_have_gray_with_alpha_as_color(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 2), 128, np.uint8)
    for ending in (".webp", ".avif"):
        files.write(ImageFile(pixels=pixels), tmp_path / f"out{ending}")
        assert files.read(tmp_path / f"out{ending}").channels == "RGBA"


def test_avif_keeps_its_metadata(small: Image.Image, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A camera"
    small.save(tmp_path / "in.avif", exif=tags.tobytes(), xmp=b"<x/>", icc_profile=b"profile " * 20)
    photo = files.read(tmp_path / "in.avif")
    files.write(photo, tmp_path / "out.avif")
    again = files.read(tmp_path / "out.avif")
    assert again.metadata == photo.metadata
    difference = again.pixels.astype(int) - photo.pixels
    assert np.sqrt(np.mean(difference**2)) < 4  # steps of 8 bits, what quality 90 costs


def test_avif_keeps_exif_to_the_byte_but_for_the_orientation(
    small: Image.Image, tmp_path: Path
) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "Acmé".encode()
    tags[ExifTags.Base.Orientation] = 1
    tags[ExifTags.IFD.Exif] = {ExifTags.Base.MakerNote: b"points into these bytes"}
    exif = tags.tobytes()
    photo = ImageFile(pixels=np.asarray(small), metadata=Metadata(exif=exif))
    files.write(photo, tmp_path / "out.avif")
    exif_bytes = files.read(tmp_path / "out.avif").metadata.exif or b""
    assert "Acmé".encode() in exif_bytes
    place = exif.index(b"points into")
    assert exif_bytes[place : place + 23] == exif[place : place + 23]


def test_avif_keeps_alpha_to_the_bit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    files.write(ImageFile(pixels=pixels), tmp_path / "out.avif")
    np.testing.assert_array_equal(files.read(tmp_path / "out.avif").pixels[..., 3], pixels[..., 3])


def test_avif_keeps_gray_gray_and_webp_can_not(tmp_path: Path) -> None:
    profile = GRAY["gray, gamma 2.2"]
    gray = ImageFile(pixels=np.zeros((16, 16, 1), np.uint8), metadata=Metadata(icc_profile=profile))
    assert files.check_format(gray, tmp_path / "out.avif") == []
    files.write(gray, tmp_path / "out.avif")
    assert files.read(tmp_path / "out.avif").channels == "Y"
    with pytest.raises(OutputFailed, match="gray"):
        files.check_format(gray, tmp_path / "out.webp")


def test_resolutions_are_turned_with_the_picture(small: Image.Image, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6
    small.save(tmp_path / "in.jpg", dpi=(300, 150), exif=tags.tobytes())
    assert files.read(tmp_path / "in.jpg").metadata.dpi == (150, 300)


def test_no_resolution_is_made_up(small: Image.Image, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "A camera"
    small.save(tmp_path / "in.jpg", exif=tags.tobytes())
    assert files.read(tmp_path / "in.jpg").metadata.dpi is None


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_avif_is_turned_upright_once(orientation: int, small: Image.Image, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    small.save(tmp_path / "in.avif", exif=tags.tobytes(), quality=100)
    small.save(tmp_path / "in.png", exif=tags.tobytes())
    expected = files.read(tmp_path / "in.png").pixels.astype(int)
    photo = files.read(tmp_path / "in.avif")
    assert photo.pixels.shape == expected.shape
    assert np.abs(photo.pixels - expected).mean() < 3  # steps of 8 bits; it is no lossless file
    files.write(photo, tmp_path / "out.avif")
    assert files.read(tmp_path / "out.avif").pixels.shape == expected.shape


@pytest.mark.parametrize(("bits", "mode"), [(10, 3), (12, 4), (10, 1)])
def test_deep_avif_spans_16_bits(bits: int, mode: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2**bits, (24, 40, mode), np.uint16)
    encoded = imagecodecs.avif_encode(
        noise[..., 0] if mode == 1 else noise, level=100, bitspersample=bits
    )
    (tmp_path / "in.avif").write_bytes(encoded)
    photo = files.read(tmp_path / "in.avif")
    np.testing.assert_allclose(photo.pixels, noise * (65535 / (2**bits - 1)), atol=1)
    (note,) = files.check_format(photo, tmp_path / "out.avif")
    assert "8 bits" in note


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("bits", [8, 10])
def test_avif_of_hdr_is_refused_in_words(transfer: int, bits: int, tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint16 if bits > 8 else np.uint8)
    options: dict[str, Any] = {"bitspersample": bits, "primaries": 9, "transfer": transfer}
    (tmp_path / "in.avif").write_bytes(imagecodecs.avif_encode(pixels, level=90, **options))
    with pytest.raises(UnsupportedImage, match="HDR picture"):
        files.read(tmp_path / "in.avif")


def test_wide_colors_of_avif_become_a_profile(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    (tmp_path / "in.avif").write_bytes(imagecodecs.avif_encode(pixels, level=90, primaries=12))
    profile = files.read(tmp_path / "in.avif").metadata.icc_profile
    assert profile == stated_colors.of_codes(12, 2, "", gray=False)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"8BPS\0\1", "a Photoshop picture"),
        (b"gimp xcf v011", "a GIMP picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"v/1\x01\2\0\0\0", "an OpenEXR picture"),
        (b"PK\3\4" + bytes(26) + b"mimetypeapplication/x-krita", "a Krita picture"),
        (b"PK\3\4" + bytes(26) + b"mimetypeimage/openraster", "an OpenRaster picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"GIF89a\1\0\1\0\0\0\0;", "a GIF picture"),
    ],
)
def test_what_is_no_photograph_is_named_for_what_it_is(
    start: bytes, what: str, tmp_path: Path
) -> None:
    (tmp_path / "in.jpg").write_bytes(start + bytes(64))
    with pytest.raises(UnsupportedImage, match=f"`in.jpg` is {what}"):
        files.read(tmp_path / "in.jpg")


def test_libtiff_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.tif"
    Image.new("P", (64, 64)).save(path, compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages.first.dataoffsets[0], file.pages.first.databytecounts[0]
    data[offset + 2 : offset + count] = b"\xff" * (count - 2)
    path.write_bytes(data)
    with pytest.raises(BadImage, match="damaged"):
        files.read(path)
    assert capfd.readouterr().err == ""


def test_noise_is_written_as_jpeg(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    files.write(ImageFile(pixels=noise), tmp_path / "noise.jpg")
    with Image.open(tmp_path / "noise.jpg") as image:
        assert abs(np.asarray(image).astype(int) - noise).mean() < 10
