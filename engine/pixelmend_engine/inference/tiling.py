"""Cutting a large picture into overlapping tiles, and putting them together without a seam."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.catalog.spec import MIN_TILE

OVERLAP = 64  # pixels; docs/performance.md says what less and more of it does


@dataclass(frozen=True)
class Span:
    """One tile's extent along an axis, and how far its neighbors reach into it, in pixels."""

    start: int
    stop: int
    before: int  # overlap with the tile before it; 0 for the first
    after: int

    @property
    def length(self) -> int:
        """The number of pixels."""
        return self.stop - self.start


@dataclass(frozen=True)
class Tile:
    """One rectangle of the picture."""

    rows: Span
    columns: Span


@dataclass(frozen=True)
class Plan:
    """Tiles that cover a picture; each pixel lies in at most two of them along each axis."""

    height: int
    width: int
    tiles: tuple[Tile, ...]


def plan(height: int, width: int, side: int | None, multiple: int) -> Plan:
    """Covers a picture with tiles of nearly equal size, none longer than `side` pixels.

    All tiles start and end at multiples of `multiple`, as the picture's sides do. With `side` None,
    or where the picture is no larger, one tile is the whole picture.
    """
    rows = _spans(height, side, multiple)
    columns = _spans(width, side, multiple)
    return Plan(height, width, tuple(Tile(row, column) for row in rows for column in columns))


def _spans(length: int, side: int | None, multiple: int) -> list[Span]:
    if side is None or length <= side:
        return [Span(0, length, 0, 0)]
    side = max(side, MIN_TILE)
    margin = math.ceil(OVERLAP / 2 / multiple) * multiple
    units = length // multiple
    count = math.ceil(units / ((side - 2 * margin) // multiple))
    borders = [units * i // count * multiple for i in range(count + 1)]
    return [
        Span(
            start=max(0, borders[i] - margin),
            stop=min(length, borders[i + 1] + margin),
            before=0 if i == 0 else 2 * margin,
            after=0 if i == count - 1 else 2 * margin,
        )
        for i in range(count)
    ]


def largest_side(pixels: int, multiple: int) -> int:
    """Returns the side of the largest square tile with at most so many pixels."""
    return max(MIN_TILE, math.isqrt(max(0, pixels)) // multiple * multiple)


def apply(
    restore: Callable[[Float[Tensor, "1 c th tw"], int], Float[Tensor, "1 3 ths tws"]],
    image: Float[Tensor, "1 c h w"],
    plan: Plan,
    scale: int,
) -> Float[Tensor, "1 3 hs ws"]:
    """Restores tile after tile and blends them where they overlap.

    `restore` gets the tile and its number. The picture and the result stay where `image` lies.
    """
    height, width = plan.height * scale, plan.width * scale
    result = torch.zeros(1, 3, height, width, device=image.device)
    for number, tile in enumerate(plan.tiles):
        rows, columns = tile.rows, tile.columns
        restored = restore(
            image[..., rows.start : rows.stop, columns.start : columns.stop], number
        ).to(result.device)
        restored = restored * _weights(rows, scale)[:, None] * _weights(columns, scale)
        result[
            ...,
            rows.start * scale : rows.stop * scale,
            columns.start * scale : columns.stop * scale,
        ] += restored
    return result


def _weights(span: Span, scale: int) -> Float[Tensor, " n"]:
    # Straight ramps, taken at the middle of each pixel: where two tiles overlap they add up to 1.
    weights = torch.ones(span.length * scale)
    if before := span.before * scale:
        weights[:before] = (torch.arange(before) + 0.5) / before
    if after := span.after * scale:
        weights[-after:] = 1 - (torch.arange(after) + 0.5) / after
    return weights


def pad(
    image: Float[Tensor, "b c h w"], multiple: int, mode: Literal["reflect", "symmetric"]
) -> Float[Tensor, "b c h2 w2"]:
    """Mirrors the picture over its right and bottom edge until both sides are multiples.

    The edge pixels themselves are repeated by `symmetric` alone, as numpy names it. A picture that
    is smaller than what is added is mirrored there and back.
    """
    for axis in (-2, -1):
        length = image.shape[axis]
        if added := -length % multiple:  # a copy of a large picture costs memory
            places = np.pad(np.arange(length), (0, added), mode)
            image = image.index_select(axis, torch.from_numpy(places).to(image.device))
    return image
