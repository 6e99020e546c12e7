"""Pictures of a size that a docker can show."""

from __future__ import annotations

import math
from array import array

from . import scratch_document
from .color_space import ColorSpace
from .pixelmend.qt import QtGui
from .pixelmend.wire import Raster

MAX_PIXELS = 1_500_000  # more would take longer to convert than one waits
INTEGER_TYPES = {
    2: "H",
    4: "I",
    8: "Q",
    16: "Q",
}  # the numbers that pixels of so many bytes are moved as


def preview(raster: Raster, space: ColorSpace) -> QtGui.QImage:
    """Returns a picture of every n-th pixel, in the colors of the screen."""
    stride = math.ceil(math.sqrt(raster.width * raster.height / MAX_PIXELS))
    data = subsampled(memoryview(raster.data), raster.width * space.pixel_bytes, space, stride)
    width, height = math.ceil(raster.width / stride), math.ceil(raster.height / stride)
    return scratch_document.to_screen_image(data, width, height, space)


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
