"""What is left out is named in one note, and nothing that is kept promises it."""

import struct
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from pixelmend_engine.images import files

GAIN_MAP_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
 xmlns:Container="http://ns.google.com/photos/1.0/container/"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"
 hdrgm:Version="1.0" GCamera:MotionPhoto="1" GCamera:Portrait="1"
 dcterms:provenance="self#jumbf=c2pa" dc:source="a film">
<Container:Directory><rdf:Seq/></Container:Directory>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Puts a segment behind the first marker."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


@pytest.fixture
def jpeg(tmp_path: Path, small: Image.Image) -> Path:
    """A picture without anything."""
    small.convert("RGB").save(tmp_path / "in.jpg")
    return tmp_path / "in.jpg"


def notes(path: Path) -> tuple[str, ...]:
    """Returns what is said of a file."""
    return files.read(path).notes


def test_what_segments_hold_is_named(jpeg: Path) -> None:
    assert notes(jpeg) == ()
    data = with_segment(jpeg.read_bytes(), 0xE1, b"FLIR\0\1\0\0")
    data = with_segment(data, 0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumbc2pa")
    data = with_segment(data, 0xFE, b"from the attic")
    jpeg.write_bytes(data + b"\0\0\0\x18ftypmp42")
    (note,) = notes(jpeg)
    assert note.endswith(
        "its comment, its Content Credentials (C2PA), its thermal data (FLIR) and its video"
    )


def test_xmp_no_longer_promises_what_is_gone(small: Image.Image, tmp_path: Path) -> None:
    small.convert("RGB").save(tmp_path / "in.jpg", xmp=GAIN_MAP_XMP)
    photo = files.read(tmp_path / "in.jpg")
    (note,) = photo.notes
    assert "its HDR gain map" in note
    assert "its video" in note
    assert "its Content Credentials" in note
    assert photo.metadata.xmp is not None
    for gone in (b"hdrgm:Version", b"MotionPhoto", b"Directory", b"provenance"):
        assert gone not in photo.metadata.xmp
    for kept in (b'GCamera:Portrait="1"', b'dc:source="a film"'):
        assert kept in photo.metadata.xmp


def test_texts_of_png_are_named(small: Image.Image, tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "Summer")
    texts.add_text("Software", "a program")
    texts.add(b"caBX", b"c2pa")
    small.save(tmp_path / "in.png", pnginfo=texts)
    (note,) = notes(tmp_path / "in.png")
    assert "its Content Credentials (C2PA) and its texts (Title)" in note


@pytest.mark.parametrize(
    ("ending", "more", "name"),
    [
        (".webp", b"C2PA\2\0\0\0ab", "its Content Credentials"),
        (".avif", struct.pack(">I4s", 8, b"mpvd"), "its video"),
        (".avif", struct.pack(">I4s", 14, b"meta") + b"tmap\0\0", "its HDR gain map"),
        (".jxl", struct.pack(">I4s", 10, b"jhgm") + b"\0\0", "its HDR gain map"),
    ],
)
def test_what_containers_hold_is_named(
    ending: str, more: bytes, name: str, small: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / f"in{ending}"
    small.convert("RGB").save(tmp_path / "in.png")
    files.write(files.read(tmp_path / "in.png"), path)
    assert notes(path) == ()
    data = path.read_bytes() + more
    if ending == ".webp":
        data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    path.write_bytes(data)
    (note,) = notes(path)
    assert name in note
