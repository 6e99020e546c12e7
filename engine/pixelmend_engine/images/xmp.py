"""XMP packets: what they say of a picture, and what is to be said of a restored one.

Source: ISO 16684-1 (XMP); IPTC Photo Metadata Standard, "Digital Source Type".
"""

import codecs
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from pixelmend_engine.images.damage import Damaged, damage

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TIFF = "http://ns.adobe.com/tiff/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
NOTES, EXTENSION = "http://ns.adobe.com/xmp/note/", "HasExtendedXMP"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SIDES = (  # what states width and height, and what states how many pixels an inch has
    ((TIFF, "tiff:ImageWidth"), (TIFF, "tiff:ImageLength")),
    ((EXIF, "exif:PixelXDimension"), (EXIF, "exif:PixelYDimension")),
    ((TIFF, "tiff:XResolution"), (TIFF, "tiff:YResolution")),
)
GAIN_MAP, VIDEO, DEPTH_MAP = "its HDR gain map", "its video", "its depth map"
SIGNED = "its Content Credentials (C2PA)"
CAMERA = "http://ns.google.com/photos/1.0/camera/"
PROMISES = (  # namespaces, beginnings of names in them, and what they say is in the file
    ("http://ns.adobe.com/hdr-gain-map/1.0/", "", GAIN_MAP),
    ("http://ns.apple.com/HDRGainMap/1.0/", "", GAIN_MAP),
    (CAMERA, "MotionPhoto", VIDEO),
    (CAMERA, "MicroVideo", VIDEO),
    ("http://ns.google.com/photos/1.0/depthmap/", "", DEPTH_MAP),
    ("http://ns.google.com/photos/dd/1.0/device/", "", DEPTH_MAP),
    ("http://ns.google.com/photos/1.0/container/", "", ""),  # lists what others name
    ("http://ns.google.com/photos/1.0/image/", "", "its second picture"),
    ("http://ns.google.com/photos/1.0/audio/", "", "its sound"),
    ("http://purl.org/dc/terms/", "provenance", SIGNED),
)
LYING = ("5", "6", "7", "8")  # orientations that turn width into height
CAPTURED = {  # what was taken from life; any other term says more than that we restored it
    "",
    "digitalCapture",
    "computationalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    "minorHumanEdits",
    "humanEdits",
    "algorithmicallyEnhanced",
}
EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""/></rdf:RDF>'
    '</x:xmpmeta><?xpacket end="w"?>'
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How a picture came to be what it is.

    No date: the same picture, model and seed give the same file.
    """

    task: str
    model: str
    seed: int
    version: str  # of Pixelmend
    source_type: str  # a term of `SOURCE_TYPES`

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Provenance":
        """Reads it from what there is to say of a restoration."""
        return cls(**{field.name: facts[field.name] for field in dataclasses.fields(cls)})

    def __str__(self) -> str:
        """Says it in a line, as editors' histories do."""
        return f"Pixelmend {self.version}: {self.task}, model {self.model}, seed {self.seed}"


class Packet:
    """An XMP packet that can be changed; everything else in it stays.

    Raises:
        Damaged: It is no XMP.
    """

    def __init__(self, packet: bytes | None) -> None:
        data = EMPTY.encode() if packet is None else packet
        if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data.strip(b"\0\t\n\r ")
        try:
            self._document = minidom.parseString(data)
        except (ExpatError, LookupError, ValueError) as error:  # LookupError: of the encoding
            raise Damaged("no XML") from error
        if self._document.doctype is not None:  # XMP has none; nothing good could stand in it
            raise Damaged("XML with a document type")
        roots = self._document.getElementsByTagNameNS(RDF, "RDF")
        if len(roots) != 1:
            raise Damaged("no RDF")
        self._rdf = roots[0]

    def __bytes__(self) -> bytes:
        """Writes it in UTF-8, and says so where it said otherwise."""
        return "".join(node.toxml() for node in self._document.childNodes).encode()

    def text(self, namespace: str, name: str) -> str:
        """Returns a simple property; empty if it is not there."""
        for description in self._descriptions():
            if description.hasAttributeNS(namespace, name):
                return description.getAttributeNS(namespace, name)
            for element in _children(description, namespace, name):
                texts = (node for node in element.childNodes if isinstance(node, minidom.Text))
                return "".join(text.data for text in texts)
        return ""

    def remove(self, namespace: str, name: str) -> None:
        """Takes a property out, wherever it stands."""
        for description in self._descriptions():
            if description.hasAttributeNS(namespace, name):
                description.removeAttributeNS(namespace, name)
            for element in _children(description, namespace, name):
                description.removeChild(element)

    def remove_all(self, namespace: str, beginning: str) -> bool:
        """Takes properties out whose names start so; returns whether there were any."""
        count = 0
        for description in self._descriptions():
            attributes = description.attributes
            for attribute in [attributes.item(index) for index in range(attributes.length)]:
                if _starts_so(attribute, namespace, beginning):
                    description.removeAttributeNode(cast("minidom.Attr", attribute))
                    count += 1
            for child in list(description.childNodes):
                if isinstance(child, minidom.Element) and _starts_so(child, namespace, beginning):
                    description.removeChild(child)
                    count += 1
        return count > 0

    def put(self, namespace: str, name: str, text: str) -> None:
        """Gives a simple property a value; `name` has the prefix that is customary."""
        self.remove(namespace, name.split(":")[1])
        description = next(self._descriptions(), None)
        if description is None:
            description = self._document.createElementNS(RDF, "rdf:Description")
            description.setAttribute("xmlns:rdf", RDF)
            description.setAttributeNS(RDF, "rdf:about", "")
            self._rdf.appendChild(description)
        element = self._document.createElementNS(namespace, name)
        element.setAttribute(f"xmlns:{name.split(':')[0]}", namespace)
        element.appendChild(self._document.createTextNode(text))
        description.appendChild(element)

    def _descriptions(self) -> Iterator[minidom.Element]:
        yield from _children(self._rdf, RDF, "Description")


def _starts_so(node: Any, namespace: str, beginning: str) -> bool:
    return node.namespaceURI == namespace and str(node.localName).startswith(beginning)


def _children(parent: minidom.Element, namespace: str, name: str) -> list[minidom.Element]:
    return [
        node
        for node in parent.childNodes
        if isinstance(node, minidom.Element)
        and (node.namespaceURI, node.localName) == (namespace, name)
    ]


def turned_upright(packet: bytes) -> bytes:
    """Says that the picture stands upright, where the packet said anything about it.

    Width and height change places if the picture lay.

    Raises:
        Damaged: It is no XMP.
    """
    parsed = Packet(packet)
    before = parsed.text(TIFF, "Orientation")
    if not before:
        return packet
    parsed.put(TIFF, "tiff:Orientation", "1")
    for pair in SIDES if before in LYING else ():
        one, other = (parsed.text(space, name.split(":")[1]) for space, name in pair)
        for (space, name), value in zip(pair, (other, one), strict=True):
            if one and other:
                parsed.put(space, name, value)
    return bytes(parsed)


def resized(packet: bytes, across: float, down: float) -> bytes:
    """Says what a picture that has grown measures, where the packet says it of the one before.

    Raises:
        Damaged: It is no XMP, or states what is no number.
    """
    parsed = Packet(packet)
    replaced = False
    for pair in SIDES:
        for (space, name), factor in zip(pair, (across, down), strict=True):
            if before := parsed.text(space, name.split(":")[1]).strip():
                with damage((ValueError, ZeroDivisionError)):  # "1/0", "about 300"
                    stated = Fraction(before)
                grown = stated * Fraction(factor)
                whole = "/" not in before  # a number of pixels; resolutions are fractions
                parsed.put(space, name, str(int(grown)) if whole else _ratio(grown))
                replaced = True
    return bytes(parsed) if replaced else packet


def _ratio(value: Fraction) -> str:
    over, under = value.limit_denominator(1000).as_integer_ratio()
    return f"{over}/{under}"


def without_extension(packet: bytes) -> bytes:
    """Takes back that the packet goes on elsewhere in the file, which it will not.

    Raises:
        Damaged: It is no XMP.
    """
    parsed = Packet(packet)
    parsed.remove(NOTES, EXTENSION)
    return bytes(parsed)


def without_promises(packet: bytes) -> tuple[bytes, list[str]]:
    """Takes back what a packet says of data that stood elsewhere in the file; names that data.

    Raises:
        Damaged: It is no XMP.
    """
    parsed = Packet(packet)
    kinds = [name for space, start, name in PROMISES if parsed.remove_all(space, start)]
    return (bytes(parsed) if kinds else packet), list(dict.fromkeys(filter(None, kinds)))


def rewritten(packet: bytes | None) -> bytes | None:
    """Returns a packet as it would be written after a change; one that can't be read, as it is."""
    try:
        return None if packet is None else bytes(Packet(packet))
    except Damaged:
        return packet


def history(packet: bytes) -> list[str]:
    """Returns the lines of a picture's history, the oldest first.

    Raises:
        Damaged: It is no XMP.
    """
    return Packet(packet).text(PHOTOSHOP, "History").splitlines()


def restored(packet: bytes | None, provenance: Provenance) -> bytes:
    """Adds a line to the history, and says what kind of picture it is now.

    A picture that was no mere photograph before keeps the term that said so.

    Raises:
        Damaged: It is no XMP.
    """
    parsed = Packet(packet)
    history = parsed.text(PHOTOSHOP, "History").rstrip()
    lines = [*([history] if history else []), str(provenance)]
    parsed.put(PHOTOSHOP, "photoshop:History", "\n".join(lines) + "\n")
    before = parsed.text(IPTC_EXTENSION, "DigitalSourceType")
    if before.removeprefix(SOURCE_TYPES) in CAPTURED:
        term = SOURCE_TYPES + provenance.source_type
        parsed.put(IPTC_EXTENSION, "Iptc4xmpExt:DigitalSourceType", term)
    return bytes(parsed)
