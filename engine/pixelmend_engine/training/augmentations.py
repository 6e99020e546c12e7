"""Pictures turned, scaled, bent and recolored at random, for models that fill any kind of picture.

Source: DiffIR's option file for Places, after LaMa (arXiv:2109.07161), which has them from imgaug
and albumentations 0.5.2. Everything that moves pixels is one map here, so that a picture is
interpolated once and not three times.
"""

import math
from typing import cast

import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.dice import Dice

SHARE = 0.5  # of the pictures, for each of the changes on its own
PERSPECTIVE = 0.06  # of the sides: how far corners move inward, as a standard deviation, at most
SCALE = (0.7, 1.3)  # along each axis
ROTATION, SHEAR = 40.0, 0.1  # degrees to either side
LENS = 0.05  # strength of the bend, to either side
CLIP = (1.0, 4.0)  # of the histograms of CLAHE, in their mean
TILES = 8  # of CLAHE, along each side
LEVELS = 256
BRIGHTNESS, CONTRAST = 0.2, 0.2
HUE, SATURATION, VALUE = 5.0 / 180, 30.0 / 255, 20.0 / 255  # OpenCV's scales of 8 bits

Picture = UInt8[Tensor, "3 h w"]
Colors = Float[Tensor, "3 h w"]
Places = Float64[Tensor, "n n 2"]  # right, down; in pixels of the picture
Matrix = Float64[Tensor, "3 3"]  # of homogeneous coordinates


def varied(picture: Picture, side: int, dice: Dice) -> UInt8[Tensor, "3 n n"]:
    """Cuts a crop out of a picture that was changed at random, `side` pixels a side."""
    height, width = picture.shape[-2:]
    places = _moved(height, width, side, dice)
    colors = _sampled(picture, places)
    if dice.chance(SHARE):
        colors = colors.flip(-1)
    if dice.chance(SHARE):
        colors = equalized(colors, dice.evenly(*CLIP))
    if dice.chance(SHARE):
        contrast, brightness = (
            dice.evenly(-CONTRAST, CONTRAST),
            dice.evenly(-BRIGHTNESS, BRIGHTNESS),
        )
        colors = (colors * (1 + contrast) + brightness).clamp(0, 1)
    if dice.chance(SHARE):
        shifts = (dice.evenly(-limit, limit) for limit in (HUE, SATURATION, VALUE))
        colors = recolored(colors, *shifts)
    return (colors * 255).round().to(torch.uint8)


# --- Places ---------------------------------------------------------------------------------------


def _moved(height: int, width: int, side: int, dice: Dice) -> Places:
    """Returns where each pixel of a crop comes from; what a picture lacks is mirrored later."""
    back = torch.eye(3, dtype=torch.float64)
    if dice.chance(SHARE):
        back = back @ _perspective(height, width, dice)
    if dice.chance(SHARE):
        back = back @ _affine(height, width, dice)
    bend = dice.evenly(-LENS, LENS) if dice.chance(SHARE) else 0.0
    high, wide = max(height, side), max(width, side)  # smaller pictures are padded to a crop
    top, left = dice.whole(0, high - side), dice.whole(0, wide - side)

    steps = torch.arange(side, dtype=torch.float64)
    places = torch.stack(
        [(left + steps).expand(side, -1), (top + steps)[:, None].expand(-1, side)], -1
    )
    middle = torch.tensor([wide / 2, high / 2], dtype=torch.float64)
    size = torch.tensor([wide, high], dtype=torch.float64)
    apart = (places - middle) / size
    squared = apart.square().sum(dim=-1, keepdim=True)
    places = middle + (places - middle) * (1 + bend * (squared + squared.square()))
    padding = torch.tensor([(wide - width) // 2, (high - height) // 2], dtype=torch.float64)
    return _mapped(back, places - padding)


def _mapped(matrix: Matrix, places: Places) -> Places:
    homogeneous = torch.cat([places, torch.ones_like(places[..., :1])], dim=-1)
    moved = torch.einsum("ij,hwj->hwi", matrix, homogeneous)
    return moved[..., :2] / moved[..., 2:]


def _perspective(height: int, width: int, dice: Dice) -> Matrix:
    """Returns from where the corners come, each from somewhat further inside."""
    deviation = dice.evenly(0.0, PERSPECTIVE)
    corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    rows: list[list[float]] = []
    wanted: list[float] = []
    for right, down in corners:
        inward_right, inward_down = (abs(dice.normal(deviation)) % 0.5 for _ in range(2))
        x, y = right * (width - 1), down * (height - 1)
        u = x + inward_right * width * (1 - 2 * right)
        v = y + inward_down * height * (1 - 2 * down)
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    known, sought = (torch.tensor(x, dtype=torch.float64) for x in (rows, wanted))
    solved = cast("Tensor", torch.linalg.solve(known, sought))
    return torch.cat([solved, torch.ones(1, dtype=torch.float64)]).reshape(3, 3)


def _affine(height: int, width: int, dice: Dice) -> Matrix:
    scale_x, scale_y = (dice.evenly(*SCALE) for _ in range(2))
    angle = math.radians(dice.evenly(-ROTATION, ROTATION))
    slant = math.tan(math.radians(dice.evenly(-SHEAR, SHEAR)))
    x, y = (width - 1) / 2, (height - 1) / 2
    to_middle = _matrix((1, 0, -x), (0, 1, -y))
    scaled = _matrix((scale_x, slant * scale_y, 0), (0, scale_y, 0))
    turned = _matrix((math.cos(angle), -math.sin(angle), 0), (math.sin(angle), math.cos(angle), 0))
    forward = _matrix((1, 0, x), (0, 1, y)) @ turned @ scaled @ to_middle
    return cast("Matrix", torch.linalg.inv(forward))


def _matrix(first: tuple[float | int, ...], second: tuple[float | int, ...]) -> Matrix:
    return torch.tensor([first, second, (0, 0, 1)], dtype=torch.float64)


def _sampled(picture: Picture, places: Places) -> Float[Tensor, "3 n n"]:
    size = torch.tensor([picture.shape[-1], picture.shape[-2]], dtype=torch.float64)
    grid = ((places + 0.5) / size * 2 - 1).to(picture.device, torch.float32)
    return functional.grid_sample(
        picture[None] / 255, grid[None], padding_mode="reflection", align_corners=False
    )[0].clamp(0, 1)


# --- Colors ---------------------------------------------------------------------------------------


def equalized(colors: Colors, clip: float) -> Colors:
    """Spreads the luma of each part of a picture over all levels, as far as `clip` lets it (CLAHE).

    Source: Zuiderveld, Graphics Gems IV, VIII.5. Colors keep their differences from the luma.
    """
    weights = colors.new_tensor((0.299, 0.587, 0.114))
    luma = torch.einsum("c,chw->hw", weights, colors)
    height, width = luma.shape
    padding = (0, -width % TILES, 0, -height % TILES)
    levels = (
        (functional.pad(luma[None], padding, mode="replicate")[0] * (LEVELS - 1)).round().long()
    )
    tile_height, tile_width = (size // TILES for size in levels.shape)
    tiles = levels.unfold(0, tile_height, tile_height).unfold(1, tile_width, tile_width)
    tiles = tiles.reshape(TILES * TILES, -1)

    counts = torch.zeros(len(tiles), LEVELS, device=colors.device)
    counts.scatter_add_(1, tiles, torch.ones_like(tiles, dtype=torch.float32))
    most = max(1.0, clip * tiles.shape[1] / LEVELS)
    excess = (counts - most).clamp_min(0).sum(dim=1, keepdim=True)
    counts = counts.clamp_max(most) + excess / LEVELS
    curves = (counts.cumsum(dim=1) / tiles.shape[1]).reshape(TILES, TILES, LEVELS)

    # Between the middles of four tiles, their curves are blended.
    rows, below, down = _between(height, tile_height, colors.device)
    columns, beside, right = _between(width, tile_width, colors.device)
    level = levels[:height, :width]
    upper = torch.lerp(
        curves[rows[:, None], columns, level], curves[rows[:, None], beside, level], right
    )
    lower = torch.lerp(
        curves[below[:, None], columns, level], curves[below[:, None], beside, level], right
    )
    return (colors + torch.lerp(upper, lower, down[:, None]) - luma).clamp(0, 1)


def _between(size: int, tile: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    place = (torch.arange(size, device=device) + 0.5) / tile - 0.5
    first = place.floor().long()
    share = place - first
    return first.clamp(0, TILES - 1), (first + 1).clamp(0, TILES - 1), share


def recolored(colors: Colors, hue: float, saturation: float, value: float) -> Colors:
    """Turns hues by a share of the circle, and adds to saturation and value, all in [0, 1]."""
    brightest, place = colors.max(dim=0)
    chroma = brightest - colors.amin(dim=0)
    red, green, blue = colors
    safe = chroma.clamp_min(1e-6)
    sectors = torch.stack(
        [(green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4]
    )
    turned = (sectors.gather(0, place[None])[0] / 6 + hue) % 1
    saturated = (chroma / brightest.clamp_min(1e-6) + saturation).clamp(0, 1)
    bright = (brightest + value).clamp(0, 1)
    # The inverse, without its six cases: each channel falls off around its own hue.
    offsets = colors.new_tensor((5.0, 3.0, 1.0))[:, None, None]
    sector = (offsets + turned * 6) % 6
    falling = torch.minimum(sector, 4 - sector).clamp(0, 1)
    return bright - bright * saturated * falling
