"""Pictures with holes: strokes of a thick brush, or boxes, half of them each.

Source: DiffIR's option files for inpainting, after LaMa (arXiv:2109.07161), section 3.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations.random_source import Dice

Whole = tuple[int, int]  # a range of whole numbers, both ends included
Drawing = UInt8[np.ndarray, "h w"]
Mask = Float[Tensor, "1 h w"]  # 1 in holes

STROKES_SHARE = 0.5
STROKES: Whole = (1, 6)
SEGMENTS: Whole = (1, 5)
ANGLES = (0.01, 1.01, 2.01, 3.01)  # radians, of a segment; every other stroke turns the other way
BOXES: Whole = (1, 4)


@dataclass(frozen=True, kw_only=True)
class Holes:
    """How large holes are, in pixels."""

    length: Whole = (10, 209)  # of a segment
    brush: Whole = (5, 104)
    box: Whole = (30, 150)  # a side
    margin: int = 10  # around boxes
    varied: bool = False  # pictures are turned, scaled and recolored first (`augmentations`)


def worsen(
    pictures: Float[Tensor, "b 3 h w"], settings: Holes, generator: torch.Generator
) -> Batch:
    """Blackens holes of pictures, and adds a channel that says where they are."""
    dice = Dice(generator)
    height, width = pictures.shape[-2:]
    masks = torch.stack([mask(height, width, settings, dice) for _ in pictures])
    masks = masks.to(pictures.device)
    return Batch(torch.cat([pictures * (1 - masks), masks], dim=1), pictures)


def mask(height: int, width: int, settings: Holes, dice: Dice) -> Mask:
    """Draws the holes of one picture."""
    drawn = np.zeros((height, width), np.uint8)
    if dice.chance(STROKES_SHARE):
        for number in range(dice.whole(*STROKES)):
            _stroke(drawn, settings, dice, backward=number % 2 == 0)
    else:
        for _ in range(dice.whole(*BOXES)):
            _box(drawn, settings, dice)
    return torch.from_numpy(drawn)[None].float()


def _stroke(drawn: Drawing, settings: Holes, dice: Dice, *, backward: bool) -> None:
    height, width = drawn.shape
    x, y = dice.whole(0, width - 1), dice.whole(0, height - 1)
    for _ in range(dice.whole(*SEGMENTS)):
        angle = ANGLES[dice.whole(0, len(ANGLES) - 1)]
        angle = 2 * math.pi - angle if backward else angle
        length, brush = dice.whole(*settings.length), dice.whole(*settings.brush)
        next_x = min(max(int(x + length * math.sin(angle)), 0), width)
        next_y = min(max(int(y + length * math.cos(angle)), 0), height)
        cv2.line(drawn, (x, y), (next_x, next_y), 1, brush)
        x, y = next_x, next_y


def _box(drawn: Drawing, settings: Holes, dice: Dice) -> None:
    height, width = drawn.shape
    low, high = settings.box
    most = min(high, width - 2 * settings.margin, height - 2 * settings.margin)
    box_width, box_height = (dice.whole(min(low, most), most) for _ in range(2))
    left = dice.whole(settings.margin, width - settings.margin - box_width)
    top = dice.whole(settings.margin, height - settings.margin - box_height)
    drawn[top : top + box_height, left : left + box_width] = 1
