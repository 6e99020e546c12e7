"""Enlarging samples by any factor, a band of rows at a time: cubic convolution.

Source: Keys, Cubic convolution interpolation for digital image processing, 1981, equation 15
(a = -1/2), which Pillow's BICUBIC is as well; what lies beyond an edge is as the edge.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int

TAPS = np.arange(-1, 3)  # the four samples around a place


@dataclass(frozen=True)
class Taps:
    """From which samples along an axis each new one comes, and in which shares."""

    places: Int[np.ndarray, "n 4"]
    shares: Float[np.ndarray, "n 4"]


def taps(length: int, result_length: int, span: slice) -> Taps:
    """Returns those of some of the new samples along an axis.

    The middles of both first samples lie half a sample behind the picture's edge.
    """
    places = np.arange(span.start, span.stop, dtype=np.float64)
    centers = (places + 0.5) * (length / result_length) - 0.5
    first = np.floor(centers)
    distance = np.abs(centers[:, None] - first[:, None] - TAPS)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    shares = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    taken = (first[:, None] + TAPS).clip(0, length - 1)
    return Taps(taken.astype(np.intp), shares.astype(np.float32))


class Enlargement:
    """A picture's size, and the one that it is to have."""

    def __init__(self, size: tuple[int, int], result_size: tuple[int, int]) -> None:
        self._height, self._result_height = size[0], result_size[0]
        self._columns = taps(size[1], result_size[1], slice(0, result_size[1]))

    def rows(
        self, span: slice, source: Callable[[slice], Float[np.ndarray, "m w c"]]
    ) -> Float[np.ndarray, "n ws c"]:
        """Returns some rows of the result; `source` gives those of the picture that they need."""
        needed = taps(self._height, self._result_height, span)
        first = int(needed.places.min())
        part = source(slice(first, int(needed.places.max()) + 1))
        return self._across(_along_rows(part, needed, first))

    def _across(self, tall: Float[np.ndarray, "n w c"]) -> Float[np.ndarray, "n ws c"]:
        turned = rearrange(tall, "n w c -> w n c")
        return rearrange(_along_rows(turned, self._columns, 0), "w n c -> n w c")


def _along_rows(
    part: Float[np.ndarray, "m w c"], needed: Taps, first: int
) -> Float[np.ndarray, "n w c"]:
    shape = (len(needed.places), *part.shape[1:])
    result = np.zeros(shape, np.float32)
    for tap in range(len(TAPS)):
        result += part[needed.places[:, tap] - first] * needed.shares[:, tap, None, None]
    return result
