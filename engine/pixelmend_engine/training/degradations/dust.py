"""Dust on a scanner's glass or on a print: specks, and now and then a hair; lighter or darker."""

import math
from typing import cast

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.degradations.random_source import RandomSource

HAIR_SHARE = 0.08  # of the specks
RADIUS = (0.4, 2.2)  # pixels, of a speck
HAIR = (8.0, 30.0)  # pixels, the length of it
SEGMENTS = 5
OPACITY = (0.35, 1.0)
LIGHT_SHARE = 0.7  # dust on a print is light; on a negative it would be dark
SHADE = 0.1  # between dust and white, or black, at most
FRACTION_BITS = 3  # of OpenCV's coordinates

Pictures = Float[Tensor, "b 3 h w"]


def strew(pictures: Pictures, density: Float[Tensor, " b"], generator: torch.Generator) -> Pictures:
    """Strews dust over pictures, sRGB in [0, 1]: so many specks on each 10,000 pixels of each."""
    rng = RandomSource(generator)
    height, width = pictures.shape[-2:]
    result = pictures.clone()
    for picture, specks in zip(result, cast("list[float]", density.tolist()), strict=True):
        for light in (False, True):
            share = LIGHT_SHARE if light else 1 - LIGHT_SHARE
            count = round(specks * share * height * width / 10_000)
            opacity = _draw(height, width, count, rng).to(picture.device)
            level = 1 - rng.uniform(0.0, SHADE) if light else rng.uniform(0.0, SHADE)
            picture.lerp_(torch.full_like(picture, level), opacity)
    return result


def _draw(height: int, width: int, count: int, rng: RandomSource) -> Float[Tensor, "1 h w"]:
    canvas = np.zeros((height, width), np.uint8)
    unit = 1 << FRACTION_BITS
    for _ in range(count):
        x, y = rng.uniform(0.0, 1.0) * width, rng.uniform(0.0, 1.0) * height
        shade = int(255 * rng.uniform(*OPACITY))
        if rng.bernoulli(HAIR_SHARE):
            angle = rng.uniform(0.0, 2 * math.pi)
            points = [(x, y)]
            for _ in range(SEGMENTS):
                angle += rng.normal(0.5)
                length = rng.uniform(*HAIR) / SEGMENTS
                x, y = x + length * math.cos(angle), y + length * math.sin(angle)
                points.append((x, y))
            places = (np.array(points) * unit).astype(np.int32)
            cv2.polylines(canvas, [places], False, shade, 1, cv2.LINE_AA, FRACTION_BITS)
        else:
            center = (int(x * unit), int(y * unit))
            radius = int(rng.uniform(*RADIUS) * unit)
            cv2.circle(canvas, center, radius, shade, cv2.FILLED, cv2.LINE_AA, FRACTION_BITS)
    return torch.from_numpy(canvas)[None].float() / 255
