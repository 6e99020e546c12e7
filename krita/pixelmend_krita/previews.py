"""Pictures of a size that a docker can show."""

from __future__ import annotations

import math
from array import array

from . import scratch
from .pixelmend.qt import QtGui
from .pixelmend.wire import Raster
from .spaces import Space

MAX_PIXELS = 1_500_000  # more would take longer to convert than one waits
WORDS = {2: "H", 4: "I", 8: "Q", 16: "Q"}  # the numbers that pixels of so many bytes are moved as


def preview(raster: Raster, space: Space) -> QtGui.QImage:
    """Returns a picture of every n-th pixel, in the colors of the screen."""
    every = math.ceil(math.sqrt(raster.width * raster.height / MAX_PIXELS))
    data = thinned(memoryview(raster.data), raster.width * space.pixel_bytes, space, every)
    width, height = math.ceil(raster.width / every), math.ceil(raster.height / every)
    return scratch.picture(data, width, height, space)


def thinned(pixels: memoryview, row_bytes: int, space: Space, every: int) -> bytes:
    """Returns every n-th pixel of every n-th row."""
    if every == 1:
        return bytes(pixels)
    view = pixels.cast("B")
    rows = range(0, len(view), row_bytes * every)
    return b"".join(_thinned(view[row : row + row_bytes], space, every) for row in rows)


def _thinned(row: memoryview, space: Space, every: int) -> bytes:
    size = space.pixel_bytes
    words = row.cast(WORDS[size])
    if size < 16:
        return words[::every].tobytes()
    halves = [words[first :: 2 * every] for first in (0, 1)]
    both = array("Q", bytes(16 * len(halves[0])))
    for first, half in enumerate(halves):
        both[first::2] = array("Q", half.tobytes())
    return both.tobytes()
