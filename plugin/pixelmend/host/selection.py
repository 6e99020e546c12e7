"""What of a picture is to be restored: a rectangle, and a mask in it.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from ..wire import Json

BINARIZE = bytes([0] + [255] * 255)  # selected at all, or not


@dataclass(frozen=True)
class Area:
    """A rectangle of pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column that is not in it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row that is not in it."""
        return self.y + self.height

    def intersection(self, other: Area) -> Area | None:
        """Returns what both have in common; None if that is nothing."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        width = min(self.right, other.right) - left
        height = min(self.bottom, other.bottom) - top
        return Area(left, top, width, height) if width > 0 and height > 0 else None

    def padded(self, margin: int) -> Area:
        """Returns it with so much more on each side."""
        width, height = self.width + 2 * margin, self.height + 2 * margin
        return Area(self.x - margin, self.y - margin, width, height)

    def strips(self, rows: int) -> Iterator[Area]:
        """Yields it in pieces of so many rows, from the top."""
        for top in range(self.y, self.bottom, rows):
            yield Area(self.x, top, self.width, min(rows, self.bottom - top))


def context(task: Json, selected: Area) -> int:
    """Returns how many pixels around what is selected a task's model has to see.

    A hole that is wider than those of the model's training is seen smaller, with more around it.
    """
    pixels = int(task["context"])
    if task["widest"] is None:
        return pixels
    return int(pixels * max(1.0, min(selected.width, selected.height) / task["widest"]))


def binarized(mask: bytes) -> bytes:
    """Returns a mask that has all of whatever it has some of: the host's own mask will blend."""
    return mask.translate(BINARIZE)
