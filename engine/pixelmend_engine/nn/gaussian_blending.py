"""A function of a picture or latent, taken tile by tile, and fused with gaussian weights.

Source: Jimenez, Mixture of Diffusers, arXiv:2302.02412, with the tiles and weights of DiffBIR's
published code.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

VARIANCE = 0.01  # of the weights, in tile sides squared

Map = Float[Tensor, "b c h w"]
TileFunction = Callable[[Map, int, int], Float[Tensor, "n o hs ws"]]
"""Takes a tile, and the row and column where it starts."""


def starts(length: int, tile: int, stride: int) -> list[int]:
    """Returns where tiles start; the last ends where the picture does."""
    if length <= tile:
        return [0]
    positions = list(range(0, length - tile + 1, stride))
    if positions[-1] != length - tile:
        positions.append(length - tile)
    return positions


def count(height: int, width: int, tile: int, stride: int) -> int:
    """Returns how many tiles there are."""
    return len(starts(height, tile, stride)) * len(starts(width, tile, stride))


def weights(height: int, width: int) -> Float[Tensor, "h w"]:
    """Returns how much each place of a tile counts.

    The middle is half a place lower than it is to the right, as published.
    """
    rows, columns = _gaussian(height, height / 2), _gaussian(width, (width - 1) / 2)
    return rows[:, None] * columns


def _gaussian(length: int, middle: float) -> Float[Tensor, " n"]:
    places = torch.arange(length, dtype=torch.float64)
    distance = (places - middle) / length
    gaussian = torch.exp(-(distance**2) / (2 * VARIANCE)) / math.sqrt(2 * math.pi * VARIANCE)
    return gaussian.float()


def fused(
    function: TileFunction, x: Map, tile: int, stride: int, scale: int = 1
) -> Float[Tensor, "n o hs ws"]:
    """Applies a function that enlarges `scale` times to each tile, and weighs what overlaps.

    Sums are taken in float32, where `x` lies.
    """
    height, width = x.shape[-2:]
    rows, columns = min(tile, height), min(tile, width)
    weight = weights(rows * scale, columns * scale).to(x.device)
    total: Tensor | None = None
    weight_sum = torch.zeros(height * scale, width * scale, device=x.device)
    for top in starts(height, tile, stride):
        for left in starts(width, tile, stride):
            output = function(x[..., top : top + rows, left : left + columns], top, left).float()
            if total is None:
                total = output.new_zeros((*output.shape[:2], *weight_sum.shape), device=x.device)
            down = slice(top * scale, (top + rows) * scale)
            across = slice(left * scale, (left + columns) * scale)
            total[..., down, across] += output.to(x.device) * weight
            weight_sum[down, across] += weight
    assert total is not None
    return total / weight_sum
