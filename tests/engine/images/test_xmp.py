"""XMP: what is changed, and that nothing else is."""

from xml.dom import minidom

import pytest

from pixelmend_engine.images import xmp
from pixelmend_engine.images.damage import Damaged
from pixelmend_engine.images.xmp import (
    IPTC_EXTENSION,
    PHOTOSHOP,
    SOURCE_TYPES,
    TIFF,
    Packet,
    Provenance,
)

PROVENANCE = Provenance(
    task="deblur",
    model="hi-diff-compact",
    seed=7,
    version="0.1.0",
    source_type="algorithmicallyEnhanced",
)
LINE = "Pixelmend 0.1.0: deblur, model hi-diff-compact, seed 7"


def packet(properties: str = "", children: str = "") -> bytes:
    """A packet as editors write it."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="An editor">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        f'    xmlns:tiff="{TIFF}" xmlns:ps="{PHOTOSHOP}" xmlns:ext="{IPTC_EXTENSION}"\n'
        f"    {properties}>\n"
        "   <dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Łódź &amp; more</rdf:li></rdf:Alt>"
        f"</dc:title>{children}\n"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n" + " " * 200 + '<?xpacket end="w"?>'
    ).encode()


def test_a_picture_without_xmp_gets_some() -> None:
    written = Packet(xmp.restored(None, PROVENANCE))
    assert written.text(PHOTOSHOP, "History") == f"{LINE}\n"
    term = f"{SOURCE_TYPES}algorithmicallyEnhanced"
    assert written.text(IPTC_EXTENSION, "DigitalSourceType") == term


def test_a_new_packet_is_one_that_readers_find_in_a_file() -> None:
    written = xmp.restored(None, PROVENANCE)
    assert written.startswith('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode())
    assert written.endswith(b'<?xpacket end="w"?>')
    assert len(written) < 2048  # what `images` keeps free for it


@pytest.mark.parametrize(
    "before",
    [
        packet('ps:History="Opened&#xA;Cropped"'),
        packet(children="<ps:History>Opened\nCropped</ps:History>"),
    ],
    ids=["attribute", "element"],
)
def test_history_goes_on(before: bytes) -> None:
    after = xmp.restored(xmp.restored(before, PROVENANCE), PROVENANCE)
    assert Packet(after).text(PHOTOSHOP, "History") == f"Opened\nCropped\n{LINE}\n{LINE}\n"
    assert after.count(b"Opened") == 1
    assert "Łódź &amp; more".encode() in after


@pytest.mark.parametrize("term", ["", "digitalCapture", "negativeFilm", "humanEdits"])
def test_what_was_taken_from_life_is_corrected_now(term: str) -> None:
    before = packet(f'ext:DigitalSourceType="{SOURCE_TYPES}{term}"')
    after = Packet(xmp.restored(before, PROVENANCE))
    expected = f"{SOURCE_TYPES}algorithmicallyEnhanced"
    assert after.text(IPTC_EXTENSION, "DigitalSourceType") == expected


@pytest.mark.parametrize("term", ["trainedAlgorithmicMedia", "compositeSynthetic", "digitalArt"])
def test_what_was_made_up_stays_so(term: str) -> None:
    before = packet(children=f"<ext:DigitalSourceType>{SOURCE_TYPES}{term}</ext:DigitalSourceType>")
    after = Packet(xmp.restored(before, PROVENANCE))
    assert after.text(IPTC_EXTENSION, "DigitalSourceType") == SOURCE_TYPES + term


def test_upright_is_said_where_something_was() -> None:
    assert xmp.turned_upright(packet()) == packet()
    turned = Packet(xmp.turned_upright(packet('tiff:Orientation="6" tiff:Make="A camera"')))
    assert turned.text(TIFF, "Orientation") == "1"
    assert turned.text(TIFF, "Make") == "A camera"


SIDES = 'tiff:ImageWidth="96" tiff:ImageLength="64" tiff:XResolution="300/1"'


def test_sides_are_those_of_the_upright_picture() -> None:
    turned = Packet(xmp.turned_upright(packet(f'tiff:Orientation="8" {SIDES}')))
    assert (turned.text(TIFF, "ImageWidth"), turned.text(TIFF, "ImageLength")) == ("64", "96")
    turned = Packet(xmp.turned_upright(packet(f'tiff:Orientation="3" {SIDES}')))
    assert turned.text(TIFF, "ImageWidth") == "96"


def test_sides_grow_with_the_picture() -> None:
    grown = Packet(xmp.resized(packet(SIDES), 4.0, 2.5))
    assert (grown.text(TIFF, "ImageWidth"), grown.text(TIFF, "ImageLength")) == ("384", "160")
    assert grown.text(TIFF, "XResolution") == "1200/1"
    assert grown.text(TIFF, "YResolution") == ""
    assert xmp.resized(packet(), 4.0, 2.5) == packet()


def test_utf_16_is_understood() -> None:
    before = packet().decode().replace("\ufeff", "")
    after = xmp.restored(f"\ufeff{before}".encode("utf-16-le"), PROVENANCE)
    assert "Łódź" in after.decode()
    minidom.parseString(after)


def test_a_packet_with_nothing_in_it_gets_a_place() -> None:
    empty = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>'
    assert Packet(xmp.restored(empty, PROVENANCE)).text(PHOTOSHOP, "History") == f"{LINE}\n"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"words",
        b"<x>",
        b"<x/>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        b'<?xml version="1.0" encoding="klingon"?><x/>',
        b"\xff\xfe<",
    ],
)
def test_what_is_no_xmp_is_told(broken: bytes) -> None:
    with pytest.raises(Damaged, match=r"no|type"):
        xmp.restored(broken, PROVENANCE)
