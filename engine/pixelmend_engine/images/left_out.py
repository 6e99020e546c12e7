"""What files hold beside their picture that can't go with a restored one, and is named.

A gain map, a video or a signature fits the picture as it was, to the bit. Once they are gone,
nothing that is kept may promise them. Sources: ISO 21496-1 and Ultra HDR image format 1.1 (gain
maps), C2PA specification 2.1, A.3 (where formats hold it), Motion Photo format 1.0, PNG third
edition, 11.3.3.
"""

import dataclasses
import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from pixelmend_engine.images import xmp
from pixelmend_engine.images.damage import Damaged
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.xmp import DEPTH_MAP, GAIN_MAP, SIGNED, VIDEO

THERMAL, COMMENT = "its thermal data (FLIR)", "its comment"
JPEG_NAMES = (  # a segment's marker, what is in its body, and what it is
    (0xE1, b"FLIR\0", THERMAL),
    (0xE2, b"urn:iso:std:iso:ts:21496", GAIN_MAP),
    (0xEB, b"c2pa", SIGNED),
    (0xFE, b"", COMMENT),
)
BEHIND_JPEG = (
    (b"ftyp", VIDEO),
    (b"hdr-gain-map", GAIN_MAP),
    (b"hdrgainmap", GAIN_MAP),
    (b"HDRGainMap", GAIN_MAP),
)
MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")  # within a scan: the next that is none of its own
END = 0xD9
ALONE = (*range(0xD0, 0xD9), 0x01)  # markers without a length
LONGEST_NAME = 4096  # bytes of a segment in which its name stands
MOST_SEGMENTS = 10_000
BOXES = {b"mpvd": VIDEO, b"moov": VIDEO, b"jhgm": GAIN_MAP}  # at a file's top
IN_META = (  # types of items and of what stands beside them
    (b"tmap", GAIN_MAP),
    (b"aux:hdrgainmap", GAIN_MAP),
    (b"auxid:2\0", DEPTH_MAP),  # of HEVC and of AV1
    (b"auxiliary:depth", DEPTH_MAP),
)
C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
LONGEST_BOX = 1024 * 1024  # bytes of one that are looked at
QUIET_TEXTS = re.compile(r"Raw profile type .*|XML:com\.adobe\.xmp|Software|Creation Time|date:.*")


def named(photo: ImageFile, path: Path, format_: str) -> ImageFile:
    """Says in one note what of a file is left out, and takes back what its XMP says of it."""
    names = list(dict.fromkeys(_names(path, format_)))
    packet = photo.metadata.xmp
    if packet is not None:
        try:
            packet, promised = xmp.without_promises(packet)
        except Damaged:
            promised = []  # carried along unread
        names += [name for name in promised if name not in names]
    if not names:
        return photo
    said = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    note = f"left out, because the format or the restored picture has no place for it: {said}"
    own = dataclasses.replace(photo.metadata, xmp=packet)
    return dataclasses.replace(photo, metadata=own, notes=(*photo.notes, note))


def _names(path: Path, format_: str) -> Iterator[str]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        match format_:
            case "JPEG":
                yield from _in_jpeg(data)
            case "PNG":
                yield from _in_png(data)
            case "WEBP":
                if any(kind == b"C2PA" for kind in _chunks(data)):
                    yield SIGNED
            case "AVIF" | "HEIF" | "JXL":
                yield from _in_boxes(data)
            case "TIFF":
                if data.find(b"c2pa.claim") > 0:
                    yield SIGNED
            case _:
                pass


def _in_jpeg(data: mmap.mmap) -> Iterator[str]:
    for marker, start, end in jpeg_segments(data):
        body = data[start : min(end, start + LONGEST_NAME)]
        if marker == END:
            behind = data[end:]
            yield from (name for text, name in BEHIND_JPEG if text in behind)
        for kind, text, name in JPEG_NAMES:
            if marker == kind and text in body:
                yield name


def jpeg_segments(data: "mmap.mmap | bytes") -> Iterator[tuple[int, int, int]]:
    """Yields the segments of a file's first picture: marker, and where the body starts and ends.

    The last has the marker `END`, and ends where that picture does.
    """
    place = 2
    for _ in range(MOST_SEGMENTS):
        match = MARKER.search(data, place)
        if match is None:
            return
        marker, start = data[match.start() + 1], match.end()
        if marker == END:
            yield END, start, start
            return
        if marker in ALONE or start + 2 > len(data):
            place = start
            continue
        (length,) = struct.unpack_from(">H", data, start)
        yield marker, start + 2, start + length
        place = start + max(length, 2)


def _chunks(data: mmap.mmap) -> Iterator[bytes]:
    place = 12  # behind RIFF's own
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        yield kind
        place += 8 + size + size % 2


def _in_boxes(data: mmap.mmap) -> Iterator[str]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if size == 1 and place + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, place + 8)
        end = place + size if size >= 8 else len(data)
        body = data[place + 8 : min(end, place + LONGEST_BOX)]
        if kind in BOXES:
            yield BOXES[kind]
        elif kind == b"meta":
            yield from (name for text, name in IN_META if text in body)
        elif (kind == b"uuid" and body.startswith(C2PA_BOX)) or (
            kind == b"jumb" and b"c2pa" in body
        ):
            yield SIGNED
        place = end


def _in_png(data: mmap.mmap) -> Iterator[str]:
    place, texts = 8, list[str]()
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"caBX":
            yield SIGNED
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            name = data[place + 8 : place + 8 + min(length, 80)].split(b"\0")[0].decode("latin-1")
            if not QUIET_TEXTS.fullmatch(name):
                texts.append(name)
        place += 12 + length
    if texts:
        yield f"its texts ({', '.join(dict.fromkeys(texts))})"
