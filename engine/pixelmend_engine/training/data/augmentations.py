"""Pictures turned, scaled, bent and recolored at random, for models that fill any kind of picture.

Source: DiffIR's option file for Places, after LaMa (arXiv:2109.07161), which has them from imgaug
and albumentations 0.5.2. Everything that moves pixels is one map here, so that a picture is
interpolated once and not three times.
"""

import math
from typing import cast

import cv2
import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float64, UInt8
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.degradations.random_source import RandomSource

SHARE = 0.5  # of the pictures, for each of the changes on its own
PERSPECTIVE = 0.06  # of the sides: how far corners move inward, as a standard deviation, at most
SCALE = (0.7, 1.3)  # along each axis
ROTATION, SHEAR = 40.0, 0.1  # degrees to either side
LENS = 0.05  # strength of the bend, to either side
CLIP = (1.0, 4.0)  # of the histograms of CLAHE, in their mean
TILES = 8  # of CLAHE, along each side
CONTRAST, BRIGHTNESS = 0.2, 0.2
COLORS = (5.0, 30.0, 20.0)  # hue, saturation and value, on OpenCV's scales of 8 bits
HUES, WHITE = 180, 255

Picture = UInt8[Tensor, "3 h w"]
Grid = Float64[Tensor, "n n 2"]  # right, down; in pixels of the picture
Pixels = UInt8[np.ndarray, "h w 3"]
Matrix = Float64[Tensor, "3 3"]  # of homogeneous coordinates


def augment(picture: Picture, side: int, rng: RandomSource) -> UInt8[Tensor, "3 n n"]:
    """Cuts a crop out of a picture that was changed at random, `side` pixels a side."""
    height, width = picture.shape[-2:]
    grid = _sampling_grid(height, width, side, rng)
    colors = _sample(picture, grid)
    if rng.bernoulli(SHARE):
        colors = colors.flip(-1)
    pixels = rearrange((colors * WHITE).round().byte().cpu(), "c h w -> h w c").numpy()
    if rng.bernoulli(SHARE):
        pixels = equalize(pixels, rng.uniform(*CLIP))
    if rng.bernoulli(SHARE):
        changes = (rng.uniform(-limit, limit) for limit in (CONTRAST, BRIGHTNESS))
        pixels = brighten(pixels, *changes)
    if rng.bernoulli(SHARE):
        pixels = shift_hsv(pixels, *(rng.uniform(-limit, limit) for limit in COLORS))
    return rearrange(torch.from_numpy(pixels), "h w c -> c h w").to(picture.device)


# --- Places ---------------------------------------------------------------------------------------


def _sampling_grid(height: int, width: int, side: int, rng: RandomSource) -> Grid:
    """Returns where each pixel of a crop comes from; what a picture lacks is mirrored later."""
    inverse = torch.eye(3, dtype=torch.float64)
    if rng.bernoulli(SHARE):
        inverse = inverse @ _perspective(height, width, rng)
    if rng.bernoulli(SHARE):
        inverse = inverse @ _affine(height, width, rng)
    bend = rng.uniform(-LENS, LENS) if rng.bernoulli(SHARE) else 0.0
    high, wide = max(height, side), max(width, side)  # smaller pictures are padded to a crop
    top, left = rng.integer(0, high - side), rng.integer(0, wide - side)

    steps = torch.arange(side, dtype=torch.float64)
    grid = torch.stack(
        [(left + steps).expand(side, -1), (top + steps)[:, None].expand(-1, side)], -1
    )
    middle = torch.tensor([wide / 2, high / 2], dtype=torch.float64)
    size = torch.tensor([wide, high], dtype=torch.float64)
    offset = (grid - middle) / size
    squared = offset.square().sum(dim=-1, keepdim=True)
    grid = middle + (grid - middle) * (1 + bend * (squared + squared.square()))
    padding = torch.tensor([(wide - width) // 2, (high - height) // 2], dtype=torch.float64)
    return _transform(inverse, grid - padding)


def _transform(matrix: Matrix, grid: Grid) -> Grid:
    homogeneous = torch.cat([grid, torch.ones_like(grid[..., :1])], dim=-1)
    transformed = torch.einsum("ij,hwj->hwi", matrix, homogeneous)
    return transformed[..., :2] / transformed[..., 2:]


def _perspective(height: int, width: int, rng: RandomSource) -> Matrix:
    """Returns from where the corners come, each from somewhat further inside."""
    deviation = rng.uniform(0.0, PERSPECTIVE)
    corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    rows: list[list[float]] = []
    targets: list[float] = []
    for right, down in corners:
        inward_right, inward_down = (abs(rng.normal(deviation)) % 0.5 for _ in range(2))
        x, y = right * (width - 1), down * (height - 1)
        u = x + inward_right * width * (1 - 2 * right)
        v = y + inward_down * height * (1 - 2 * down)
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        targets += [u, v]
    matrix, vector = (torch.tensor(x, dtype=torch.float64) for x in (rows, targets))
    coefficients = cast("Tensor", torch.linalg.solve(matrix, vector))
    return torch.cat([coefficients, torch.ones(1, dtype=torch.float64)]).reshape(3, 3)


def _affine(height: int, width: int, rng: RandomSource) -> Matrix:
    scale_x, scale_y = (rng.uniform(*SCALE) for _ in range(2))
    angle = math.radians(rng.uniform(-ROTATION, ROTATION))
    slant = math.tan(math.radians(rng.uniform(-SHEAR, SHEAR)))
    x, y = (width - 1) / 2, (height - 1) / 2
    to_middle = _matrix((1, 0, -x), (0, 1, -y))
    scaled = _matrix((scale_x, slant * scale_y, 0), (0, scale_y, 0))
    turned = _matrix((math.cos(angle), -math.sin(angle), 0), (math.sin(angle), math.cos(angle), 0))
    forward = _matrix((1, 0, x), (0, 1, y)) @ turned @ scaled @ to_middle
    return cast("Matrix", torch.linalg.inv(forward))


def _matrix(first: tuple[float | int, ...], second: tuple[float | int, ...]) -> Matrix:
    return torch.tensor([first, second, (0, 0, 1)], dtype=torch.float64)


def _sample(picture: Picture, grid: Grid) -> Float[Tensor, "3 n n"]:
    size = torch.tensor([picture.shape[-1], picture.shape[-2]], dtype=torch.float64)
    normalized = ((grid + 0.5) / size * 2 - 1).to(picture.device, torch.float32)
    return functional.grid_sample(
        picture[None] / 255, normalized[None], padding_mode="reflection", align_corners=False
    )[0].clamp(0, 1)


# --- Colors ---------------------------------------------------------------------------------------


def equalize(pixels: Pixels, clip: float) -> Pixels:
    """Spreads the lightness of each part of a picture, as far as `clip` lets it (CLAHE)."""
    lab = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))
    lab[..., 0] = cv2.createCLAHE(clip, (TILES, TILES)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def brighten(pixels: Pixels, contrast: float, brightness: float) -> Pixels:
    """Makes a picture brighter, and what is bright brighter than what is dark."""
    values = pixels * np.float32(1 + contrast) + np.float32(brightness * WHITE)
    return values.clip(0, WHITE).astype(np.uint8)


def shift_hsv(pixels: Pixels, hue: float, saturation: float, value: float) -> Pixels:
    """Adds to hue, in half degrees, and to saturation and value, on scales to 255."""
    hsv = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + hue) % HUES
    hsv[..., 1:] = (hsv[..., 1:] + np.array([saturation, value], np.float32)).clip(0, WHITE)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))
