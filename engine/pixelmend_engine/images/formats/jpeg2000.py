"""JPEG 2000 files of 8 to 16 bits: JP2 and bare codestreams.

Source: ISO/IEC 15444-1, A.5.1 (the size marker) and I.5.3 (boxes of colors).
"""

from pathlib import Path

import imagecodecs

from pixelmend_engine.images import limits, metadata, xmp
from pixelmend_engine.images.damage import IMAGECODECS, Damaged, damage, unpack
from pixelmend_engine.images.image_file import CHANNELS, ImageFile, upright, with_channels
from pixelmend_engine.images.metadata import EXIF_HEADER, Metadata, MetadataReader
from pixelmend_engine.images.sample_types import sample_type_of, spread

BOX, STREAM = b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"
SIGNATURES = (BOX, STREAM)
PLAIN_COLORS = (16, 17)  # sRGB and gray, as boxes count color spaces
SIGNED = 0x80  # in the byte that says a component's depth
EXIF_ID = b"JpgTiffExif->JP2"  # as ExifTool and Exiv2 have it
XMP_ID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def read(path: Path) -> ImageFile:
    """Reads a file; its profile as well.

    Raises:
        UnsupportedImage: Its components differ, or its colors are neither RGB nor gray.
        BadImage: It is too small or too large.
        Damaged: It is.
    """
    data = path.read_bytes()
    place = data.find(STREAM)
    if place < 0:
        raise Damaged("there is no picture in it")
    x1, y1, x0, y0 = unpack(">4I", data, place + 8)
    limits.check_size(x1 - x0, y1 - y0, path.name)
    (count,) = unpack(">H", data, place + 40)
    depths = {unpack("BBB", data, place + 42 + 3 * index) for index in range(count)}
    if len(depths) != 1 or count not in CHANNELS:
        raise limits.rare(path.name, "its channels are too many, or of several kinds")
    ((depth, *steps),) = depths
    if steps != [1, 1]:
        raise limits.rare(path.name, "its channels are smaller than the picture")
    if depth & SIGNED:
        raise limits.other_samples(path.name, "signed numbers")
    profile = _profile(data[:place], path)
    with damage(IMAGECODECS):
        decoded = imagecodecs.jpeg2k_decode(data)
    pixels = with_channels(decoded)
    if sample_type_of(pixels.dtype) not in ("U8", "U16"):
        raise limits.other_samples(path.name, f"samples of {depth + 1} bits")
    pixels = spread(pixels, depth + 1)
    reading = MetadataReader()
    exif, packet, orientation = _behind(data, EXIF_ID), _behind(data, XMP_ID), 1
    if exif is not None:
        raw = EXIF_HEADER + exif.removeprefix(EXIF_HEADER)
        orientation = reading.attempt("EXIF orientation", lambda: metadata.orientation(raw), 1)
        exif = reading.attempt("EXIF", lambda: metadata.turned_upright(raw), None)
    if packet is not None and orientation != 1:
        lying = packet
        packet = reading.attempt("XMP", lambda: xmp.turned_upright(lying), None)
    return ImageFile(
        pixels=upright(pixels, orientation),
        metadata=Metadata(icc_profile=profile, exif=exif, xmp=packet),
        notes=tuple(reading.notes),
    )


def _profile(head: bytes, path: Path) -> bytes | None:
    place = head.find(b"colr")
    if place < 0:
        return None
    (size,) = unpack(">I", head, place - 4)
    method = unpack("B", head, place + 4)[0]
    if method == 1:
        (space,) = unpack(">I", head, place + 7)
        if space not in PLAIN_COLORS:
            raise limits.other_colors(path.name, f"the color space {space} of JPEG 2000")
        return None
    return head[place + 7 : place - 4 + size] or None


def _behind(data: bytes, identity: bytes) -> bytes | None:
    place = data.find(b"uuid" + identity)
    if place < 4:
        return None
    (size,) = unpack(">I", data, place - 4)
    end = place - 4 + size if size else len(data)
    return data[place + 20 : end] or None
