"""Pictures of a size that a docker can show."""

from __future__ import annotations

import math
from array import array
from typing import Any, Generator

from . import scratch_document
from .color_space import OPAQUE, ColorSpace, color_space_of
from .pixelmend.host.selection import Area
from .pixelmend.qt import QtCore, QtGui
from .pixelmend.wire import Raster

MAX_PIXELS = 1_500_000  # more would take longer to convert than one waits
STRIP_PIXELS = 200_000  # what Krita converts at once
SCREEN = "sRGB-elle-V2-srgbtrc.icc"  # whose colors a `QImage` has
INTEGER_TYPES = {
    2: "H",
    4: "I",
    8: "Q",
    16: "Q",
}  # the numbers that pixels of so many bytes are moved as


def preview(
    raster: Raster, space: ColorSpace, document: Any
) -> Generator[float, None, QtGui.QImage]:
    """Makes a picture of every n-th pixel, in the colors of the screen, in pieces.

    Krita converts what is not sRGB, in layers that belong to `document` and that nobody sees.
    """
    stride = math.ceil(math.sqrt(raster.width * raster.height / MAX_PIXELS))
    data = subsampled(memoryview(raster.data), raster.width * space.pixel_bytes, space, stride)
    width, height = math.ceil(raster.width / stride), math.ceil(raster.height / stride)
    yield 0.0
    if (space.model, space.profile) == ("RGBA", SCREEN) and space.depth in ("U8", "U16"):
        upper = data if space.depth == "U8" else data[1::2]  # the upper byte of each channel
        return QtGui.QImage(
            upper, width, height, width * 4, QtGui.QImage.Format.Format_ARGB32
        ).copy()  # an image made from bytes only borrows them
    if document is not None and color_space_of(document) == space:
        image = yield from _converted(document, data, width, height, space)
        return image
    with scratch_document.open_scratch(space, 1, 1) as scratch:
        image = yield from _converted(scratch, data, width, height, space)
    return image


def _converted(
    document: Any, data: bytes, width: int, height: int, space: ColorSpace
) -> Generator[float, None, QtGui.QImage]:
    image = QtGui.QImage(width, height, QtGui.QImage.Format.Format_ARGB32)
    image.fill(0)
    opaque, row = OPAQUE[space.depth], width * space.pixel_bytes
    for strip in Area(0, 0, width, height).strips(max(1, STRIP_PIXELS // width)):
        pixels = bytearray(data[strip.y * row : strip.bottom * row])
        # Krita's thumbnails show a layer from its first to its last pixel that is not transparent.
        pixels[space.pixel_bytes - len(opaque) : space.pixel_bytes] = opaque
        pixels[len(pixels) - len(opaque) :] = opaque
        layer = document.createNode("preview", "paintlayer")
        if layer is None:  # the document was closed meanwhile
            break
        layer.setPixelData(QtCore.QByteArray(bytes(pixels)), 0, 0, width, strip.height)
        painter = QtGui.QPainter(image)
        place = QtCore.QRect(0, strip.y, width, strip.height)
        painter.drawImage(place, layer.thumbnail(width, strip.height))
        painter.end()
        yield 0.0
    return image


def subsampled(pixels: memoryview, row_bytes: int, space: ColorSpace, stride: int) -> bytes:
    """Returns every n-th pixel of every n-th row."""
    if stride == 1:
        return bytes(pixels)
    view = pixels.cast("B")
    rows = range(0, len(view), row_bytes * stride)
    return b"".join(_subsampled_row(view[row : row + row_bytes], space, stride) for row in rows)


def _subsampled_row(row: memoryview, space: ColorSpace, stride: int) -> bytes:
    size = space.pixel_bytes
    pixels = row.cast(INTEGER_TYPES[size])
    if size < 16:
        return pixels[::stride].tobytes()
    halves = [pixels[first :: 2 * stride] for first in (0, 1)]
    both = array("Q", bytes(16 * len(halves[0])))
    for first, half in enumerate(halves):
        both[first::2] = array("Q", half.tobytes())
    return both.tobytes()
