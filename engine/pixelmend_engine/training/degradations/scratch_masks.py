"""Thin holes, as old prints and slides have, and what is taken out of photographs leaves.

Scratches, hairs, specks and stains, wires from edge to edge, and tears; each picture has one of
these mixtures.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations.inpainting_masks import Canvas, Mask, with_holes
from pixelmend_engine.training.degradations.random_source import RandomSource

KINDS = ("scratches", "specks", "wires", "tear")
FRACTION_BITS = 4  # of OpenCV's coordinates
POINTS = 12  # of a way that bends
REFERENCE_AREA = 128**2  # pixels, that counts are for
MOST_SHARE = 0.5  # of a picture; with larger holes there is nothing to learn from

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ScratchMaskSettings:
    """How wide and how many holes are: pixels, and for each 128 x 128 of them."""

    kinds: tuple[str, ...] = KINDS  # drawn from evenly
    scratch: Range = (1.0, 7.0)  # width
    scratches: Range = (1.0, 6.0)
    speck: Range = (1.0, 9.0)  # radius
    specks: Range = (3.0, 25.0)
    wire: Range = (2.0, 12.0)  # width
    wires: Range = (1.0, 3.0)
    tear: Range = (10.0, 64.0)  # width, at its widest

    def __post_init__(self) -> None:
        """Makes sure that each kind is one of `KINDS`."""
        assert set(self.kinds) <= set(KINDS)


def degrade(
    pictures: Float[Tensor, "b 3 h w"], settings: ScratchMaskSettings, generator: torch.Generator
) -> Batch:
    """Blackens holes of pictures, and adds a channel that says where they are."""
    rng = RandomSource(generator)
    return with_holes(pictures, lambda height, width: draw_mask(height, width, settings, rng))


def draw_mask(height: int, width: int, settings: ScratchMaskSettings, rng: RandomSource) -> Mask:
    """Draws the holes of one picture: at least one, and half of the picture at most."""
    canvas = np.zeros((height, width), np.uint8)
    while not 0 < canvas.mean() <= MOST_SHARE:
        canvas[:] = 0
        kind = settings.kinds[rng.integer(0, len(settings.kinds) - 1)]
        if kind == "scratches":
            for _ in range(_count(canvas, settings.scratches, rng)):
                _scratch(canvas, rng.uniform(*settings.scratch), rng)
        elif kind == "specks":
            for _ in range(_count(canvas, settings.specks, rng)):
                _speck(canvas, rng.uniform(*settings.speck), rng)
        elif kind == "wires":
            for _ in range(round(rng.uniform(*settings.wires))):
                _wire(canvas, rng.uniform(*settings.wire), rng)
        else:
            _tear(canvas, rng.uniform(*settings.tear), rng)
    return torch.from_numpy(canvas)[None].float()


def _count(canvas: Canvas, counts: Range, rng: RandomSource) -> int:
    return max(1, round(rng.uniform(*counts) * canvas.size / REFERENCE_AREA))


def _scratch(canvas: Canvas, width: float, rng: RandomSource) -> None:
    """Draws a line that bends a little, or as a hair does, and may reach beyond the picture."""
    height, side = canvas.shape
    bend = 0.02 if rng.bernoulli(0.6) else 0.35  # radians a step
    length = rng.uniform(0.15, 1.2) * max(height, side)
    x, y = rng.uniform(0.0, float(side)), rng.uniform(0.0, float(height))
    angle = rng.uniform(0.0, 2 * math.pi)
    points = [(x, y)]
    for _ in range(POINTS):
        angle += rng.normal(bend)
        x += length / POINTS * math.cos(angle)
        y += length / POINTS * math.sin(angle)
        points.append((x, y))
    _polyline(canvas, points, width)


def _speck(canvas: Canvas, radius: float, rng: RandomSource) -> None:
    height, width = canvas.shape
    center = rng.uniform(0.0, float(width)), rng.uniform(0.0, float(height))
    axes = radius, radius * rng.uniform(0.4, 1.0)
    cv2.ellipse(
        canvas,
        _fixed([center])[0].tolist(),
        [max(1, round(axis * (1 << FRACTION_BITS))) for axis in axes],
        rng.uniform(0.0, 180.0),
        0.0,
        360.0,
        1,
        cv2.FILLED,
        cv2.LINE_8,
        FRACTION_BITS,
    )


def _wire(canvas: Canvas, width: float, rng: RandomSource) -> None:
    """Draws a line from edge to edge that hangs through; in half of the pictures from top down."""
    upright = rng.bernoulli(0.5)
    drawn = canvas.T.copy() if upright else canvas
    height, side = drawn.shape
    left, right = (rng.uniform(0.0, float(height)) for _ in range(2))
    sag = rng.uniform(-0.15, 0.15) * height
    points = [
        (t * side, left + t * (right - left) + 4 * sag * t * (1 - t))
        for t in (number / POINTS for number in range(POINTS + 1))
    ]
    _polyline(drawn, points, width)
    if upright:
        canvas[:] = drawn.T


def _tear(canvas: Canvas, width: float, rng: RandomSource) -> None:
    """Draws a band with ragged edges, from one side inwards, that gets narrower."""
    turns = rng.integer(0, 3)
    drawn = np.rot90(canvas, turns).copy()
    height, side = drawn.shape
    length = rng.uniform(0.3, 1.0) * side
    middle, slope = rng.uniform(0.1, 0.9) * height, rng.uniform(-0.4, 0.4)
    upper: list[tuple[float, float]] = []
    lower: list[tuple[float, float]] = []
    for number in range(POINTS + 1):
        t = number / POINTS
        half = width / 2 * (1 - t)
        center = middle + slope * t * length
        upper.append((t * length, center - half * rng.uniform(0.6, 1.0)))
        lower.append((t * length, center + half * rng.uniform(0.6, 1.0)))
    cv2.fillPoly(drawn, [_fixed([*upper, *lower[::-1]])], 1, cv2.LINE_8, FRACTION_BITS)
    canvas[:] = np.rot90(drawn, -turns)


def _polyline(canvas: Canvas, points: list[tuple[float, float]], width: float) -> None:
    cv2.polylines(
        canvas, [_fixed(points)], False, 1, max(1, round(width)), cv2.LINE_8, FRACTION_BITS
    )


def _fixed(points: list[tuple[float, float]]) -> np.ndarray:
    return np.rint(np.array(points) * (1 << FRACTION_BITS)).astype(np.int32)
