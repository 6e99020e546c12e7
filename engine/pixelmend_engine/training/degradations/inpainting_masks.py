"""Pictures with holes: strokes of a thick brush, or boxes, half of them each.

Source: DiffIR's option files for inpainting, after LaMa (arXiv:2109.07161), section 3.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations.random_source import RandomSource

IntRange = tuple[int, int]  # a range of integers, both ends included
Canvas = UInt8[np.ndarray, "h w"]
Mask = Float[Tensor, "1 h w"]  # 1 in holes

STROKES_SHARE = 0.5
STROKES: IntRange = (1, 6)
SEGMENTS: IntRange = (1, 5)
ANGLES = (0.01, 1.01, 2.01, 3.01)  # radians, of a segment; every other stroke turns the other way
BOXES: IntRange = (1, 4)


@dataclass(frozen=True, kw_only=True)
class InpaintingMaskSettings:
    """How large holes are, in pixels."""

    length: IntRange = (10, 209)  # of a segment
    brush: IntRange = (5, 104)
    box: IntRange = (30, 150)  # a side
    margin: int = 10  # around boxes
    augmented: bool = False  # pictures are turned, scaled and recolored first (`augmentations`)


def degrade(
    pictures: Float[Tensor, "b 3 h w"], settings: InpaintingMaskSettings, generator: torch.Generator
) -> Batch:
    """Blackens holes of pictures, and adds a channel that says where they are."""
    rng = RandomSource(generator)
    return with_holes(pictures, lambda height, width: draw_mask(height, width, settings, rng))


def with_holes(pictures: Float[Tensor, "b 3 h w"], draw: Callable[[int, int], Mask]) -> Batch:
    """Blackens what `draw` says of each picture, and adds a channel that says where that is."""
    height, width = pictures.shape[-2:]
    masks = torch.stack([draw(height, width) for _ in pictures]).to(pictures.device)
    return Batch(torch.cat([pictures * (1 - masks), masks], dim=1), pictures)


def draw_mask(height: int, width: int, settings: InpaintingMaskSettings, rng: RandomSource) -> Mask:
    """Draws the holes of one picture."""
    canvas = np.zeros((height, width), np.uint8)
    if rng.bernoulli(STROKES_SHARE):
        for number in range(rng.integer(*STROKES)):
            _stroke(canvas, settings, rng, backward=number % 2 == 0)
    else:
        for _ in range(rng.integer(*BOXES)):
            _box(canvas, settings, rng)
    return torch.from_numpy(canvas)[None].float()


def _stroke(
    canvas: Canvas, settings: InpaintingMaskSettings, rng: RandomSource, *, backward: bool
) -> None:
    height, width = canvas.shape
    x, y = rng.integer(0, width - 1), rng.integer(0, height - 1)
    for _ in range(rng.integer(*SEGMENTS)):
        angle = ANGLES[rng.integer(0, len(ANGLES) - 1)]
        angle = 2 * math.pi - angle if backward else angle
        length, brush = rng.integer(*settings.length), rng.integer(*settings.brush)
        next_x = min(max(int(x + length * math.sin(angle)), 0), width)
        next_y = min(max(int(y + length * math.cos(angle)), 0), height)
        cv2.line(canvas, (x, y), (next_x, next_y), 1, brush)
        x, y = next_x, next_y


def _box(canvas: Canvas, settings: InpaintingMaskSettings, rng: RandomSource) -> None:
    height, width = canvas.shape
    low, high = settings.box
    most = min(high, width - 2 * settings.margin, height - 2 * settings.margin)
    box_width, box_height = (rng.integer(min(low, most), most) for _ in range(2))
    left = rng.integer(settings.margin, width - settings.margin - box_width)
    top = rng.integer(settings.margin, height - settings.margin - box_height)
    canvas[top : top + box_height, left : left + box_width] = 1
