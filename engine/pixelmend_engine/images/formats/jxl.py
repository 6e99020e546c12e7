"""JPEG XL files of integers and floats, where their colors are sRGB's, or so in linear light.

The codec library knows nothing of color profiles and metadata. So the header is asked what the
colors are, and the container's boxes are read and written here. Source: ISO/IEC 18181-2.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from pixelmend_engine.images import limits, metadata, stated_colors, xmp
from pixelmend_engine.images.damage import IMAGECODECS, Damaged, damage, unpack
from pixelmend_engine.images.formats import jxl_header
from pixelmend_engine.images.formats.jxl_header import LINEAR, SRGB_CURVE
from pixelmend_engine.images.image_file import ImageFile, with_channels
from pixelmend_engine.images.metadata import EXIF_HEADER, Metadata, MetadataReader
from pixelmend_engine.images.sample_types import sample_type_of, spread

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
SIGNATURES = (CONTAINER, jxl_header.SIGNATURE)
STREAMS = (b"jxlc", b"jxlp")  # boxes that hold the codestream, whole or in parts
SAME_COLOR = 1 / 512  # half a step of 8 bits
EFFORT = 2  # of 9; the default, 7, takes seven times as long and more (docs/performance.md)
DISTANCE = 0.5  # of lossy files, from what they were; at 1 a trained eye begins to see it


def read(path: Path) -> ImageFile:
    """Reads a file; its metadata as well.

    Raises:
        UnsupportedImage: Its colors are not sRGB's, or it has more than one picture.
        BadImage: It is too small or too large.
        Damaged: It is.
    """
    data = path.read_bytes()
    boxes = list(_boxes(data)) if data.startswith(CONTAINER) else [(b"jxlc", data)]
    header = jxl_header.parse(_codestream(boxes))
    limits.check_size(header.width, header.height, path.name)
    if header.curve in stated_colors.HDR_CURVES:
        raise limits.hdr(path.name, stated_colors.HDR_CURVES[header.curve])
    if header.problem is not None:
        raise limits.rare(path.name, header.problem)
    with damage(IMAGECODECS):
        decoded = imagecodecs.jpegxl_decode(data)  # it turns the picture upright
    pixels = with_channels(decoded)
    if sample_type_of(pixels.dtype) is None:
        raise limits.other_samples(path.name, f"samples of the type {pixels.dtype}")
    pixels = spread(pixels, header.bits)
    reading = MetadataReader()
    linear = header.curve == LINEAR
    metadata = Metadata(
        exif=reading.attempt("EXIF", lambda: _exif(boxes), None),
        xmp=reading.attempt("XMP", lambda: _xmp(boxes), None),
        icc_profile=profile_of(gray=header.gray, linear=True) if linear else None,
        compression="lossy" if header.lossy else None,
    )
    return ImageFile(
        pixels=np.ascontiguousarray(pixels), metadata=metadata, notes=tuple(reading.notes)
    )


def profile_of(*, gray: bool, linear: bool) -> bytes:
    """Returns a profile that says in ICC's words: sRGB's primaries, with its curve or linear."""
    points = stated_colors.SRGB_POINTS
    return stated_colors.profile(stated_colors.D65, points, 1.0 if linear else None, gray=gray)


def can_hold(photo: ImageFile) -> bool:
    """Says whether a picture's colors can be written here: sRGB's, or the same in linear light."""
    return _curve(photo) is not None


def _curve(photo: ImageFile) -> int | None:
    profile, gray = photo.metadata.icc_profile, photo.channels.startswith("Y")
    if profile is None or _are_same(profile, profile_of(gray=gray, linear=False), gray=gray):
        return SRGB_CURVE
    if photo.sample_type == "U8":  # whose headers the codec library writes without a curve
        return None
    linear = _are_same(profile, profile_of(gray=gray, linear=True), gray=gray)
    return LINEAR if linear else None


def _are_same(profile: bytes, other: bytes, *, gray: bool) -> bool:
    ramp = np.linspace(0, 1, 17, dtype=np.float32)
    cube = np.stack(np.meshgrid(ramp, ramp, ramp), axis=-1).reshape(len(ramp), -1, 3)
    colors = ramp[None] if gray else cube
    space = "gray" if gray else "rgb"
    try:
        displayed = imagecodecs.cms_transform(
            colors, profile, other, colorspace=space, outcolorspace=space, outdtype="float32"
        )
    except RuntimeError:
        return False
    return bool(np.abs(displayed - colors).max() < SAME_COLOR)


def write(photo: ImageFile, path: Path) -> None:
    """Writes a file whose colors `can_hold` approved of, with EXIF and XMP.

    Raises:
        ValueError: It did not.
    """
    file_metadata, curve = photo.metadata, _curve(photo)
    if curve is None:
        raise ValueError("its colors have no place in it")
    if file_metadata.compression == "lossy" and photo.sample_type == "U8":
        with damage(IMAGECODECS):
            data = imagecodecs.jpegxl_encode(photo.pixels, distance=DISTANCE, usecontainer=True)
    else:
        with damage(IMAGECODECS):
            encoded = imagecodecs.jpegxl_encode(
                photo.pixels, lossless=True, effort=EFFORT, usecontainer=True
            )
        data = bytes(encoded)
        # The library always says that deeper samples are linear.
        stream = _codestream(list(_boxes(data)))
        data = data.replace(stream, jxl_header.with_curve(stream, curve))
    with path.open("wb") as file:
        file.write(data)
        if file_metadata.exif is not None:
            _write_box(file, b"Exif", bytes(4) + file_metadata.exif.removeprefix(EXIF_HEADER))
        if file_metadata.xmp is not None:
            _write_box(file, b"xml ", file_metadata.xmp)


def _codestream(boxes: list[tuple[bytes, bytes]]) -> bytes:
    # Or its beginning, which holds the header.
    for kind, body in boxes:
        if kind in STREAMS:
            return body[4 if kind == b"jxlp" else 0 :]
    raise Damaged("there is no picture in it")


def _write_box(file: BinaryIO, kind: bytes, body: bytes) -> None:
    file.write(struct.pack(">I4s", 8 + len(body), kind) + body)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, kind = unpack(">I4s", data, place)
        start = place + 8
        if size == 1:
            (size,) = unpack(">Q", data, start)
            start += 8
        end = len(data) if size == 0 else place + size
        if end < start:
            raise Damaged(f"a box of {size} bytes")
        yield kind, data[start:end]
        place = end


def _contents(boxes: list[tuple[bytes, bytes]], box_type: bytes) -> bytes | None:
    for kind, body in boxes:
        if kind == box_type:
            return body
        if kind == b"brob" and body[:4] == box_type:
            with damage(IMAGECODECS):
                return bytes(imagecodecs.brotli_decode(body[4:]))
    return None


def _exif(boxes: list[tuple[bytes, bytes]]) -> bytes | None:
    body = _contents(boxes, b"Exif")
    if body is None:
        return None
    (offset,) = unpack(">I", body, 0)
    exif = EXIF_HEADER + body[4 + offset :]
    return metadata.turned_upright(exif) if metadata.orientation(exif) != 1 else exif


def _xmp(boxes: list[tuple[bytes, bytes]]) -> bytes | None:
    body = _contents(boxes, b"xml ")
    try:
        return None if body is None else xmp.turned_upright(body)
    except Damaged:
        return body  # carried along unread
