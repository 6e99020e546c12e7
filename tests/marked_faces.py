"""Faces that a person has marked, so that no weights are needed to find them.

The portrait is in the repository; photographs that are not are looked for in the folder that
`PIXELMEND_TEST_PHOTOS` names.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor, nn

from pixelmend_engine.faces.alignment import SIDE, Pixels, Square
from pixelmend_engine.faces.face import Face

EXAMPLES = Path(__file__).parent.parent / "examples"
SKIN = 1  # a class of ParseNet


def marked(*points: tuple[float, float], confidence: float = 1.0) -> Face:
    """A face with these landmarks; its box is as far around them as RetinaFace's is."""
    xy = np.array(points)
    left, top = xy.min(axis=0)
    right, bottom = xy.max(axis=0)
    wide, high = right - left, bottom - top
    box = (left - 0.5 * wide, top - 0.9 * high, right + 0.5 * wide, bottom + 0.6 * high)
    return Face(
        box=tuple(float(side) for side in box),  # pyright: ignore[reportArgumentType] - four
        landmarks=tuple((float(x), float(y)) for x, y in points),
        confidence=confidence,
    )


PORTRAIT = marked((203.6, 101.3), (246.7, 103.3), (225.8, 127.4), (205, 140.8), (243.3, 141.7))

PHOTOGRAPHS = {  # by file
    "057_os-48.webp": (
        marked((188.7, 162), (231.3, 158), (205.3, 188.7), (198.7, 214.7), (230, 212)),
        marked((416.7, 150), (460, 148), (448, 170), (424.7, 198), (460, 195.3)),
    ),
    "206_cong-y000064.webp": (marked((227, 355), (367, 347), (304, 431), (240, 505), (383, 492)),),
    "207_cong-c001066.webp": (
        marked((235, 346.5), (383, 348.6), (314, 429), (243.5, 499.6), (388, 497.5)),
    ),
    "212_cong-s001162.webp": (
        marked((256.7, 334.3), (407.7, 327), (343.5, 426), (280, 487), (409.8, 480)),
    ),
    "221_cong-b001230.webp": (
        marked((211.8, 348.6), (362.9, 349.6), (288.4, 429.2), (220, 495.5), (361.8, 492.4)),
    ),
    "242_cong-d000197.webp": (
        marked((279, 296.5), (409.8, 296.5), (346.5, 378), (280, 427), (399.6, 427)),
    ),
}


def pixels(path: Path) -> Pixels:
    """Reads a picture as sRGB in [0, 1]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32) / 255


def portrait() -> Pixels:
    """NASA's portrait of Eileen Collins, 512 x 512."""
    return pixels(EXAMPLES / "astronaut.png")


def photograph(name: str) -> Pixels:
    """A photograph that is not in the repository; skips the test where it is not there."""
    folder = os.environ.get("PIXELMEND_TEST_PHOTOS")
    if folder is None or not (Path(folder) / name).is_file():
        pytest.skip(f"PIXELMEND_TEST_PHOTOS names no folder with {name}")
    return pixels(Path(folder) / name)


def parse_by_hand(square: Square) -> UInt8[np.ndarray, "512 512"]:
    """Says that the oval in which every aligned face lies is skin, whatever is there."""
    y, x = np.mgrid[:SIDE, :SIDE]
    oval = ((x - 256) / 130) ** 2 + ((y - 310) / 170) ** 2 < 1
    return (oval * SKIN).astype(np.uint8)


@dataclass
class Given:
    """Stands in for the detector: says what it was told, for every picture."""

    faces: list[Face]

    def __call__(self, image: Tensor) -> list[Face]:
        return self.faces


def mild_network(seed: int = 0) -> nn.Module:
    """A small restoration network with random weights, whose changes can be seen."""
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return network.requires_grad_(requires_grad=False)


@dataclass
class Mild:
    """Restores squares with the small network, and remembers which."""

    network: nn.Module
    numbers: list[int]

    def __call__(self, square: Tensor, number: int) -> Tensor:
        self.numbers.append(number)
        return square + self.network(square)


def mild(seed: int = 0) -> Mild:
    """A restorer of squares with random weights."""
    return Mild(mild_network(seed), [])


def unchanged(square: Tensor, number: int) -> Tensor:
    """Restores nothing."""
    return square
