"""Holes in a picture, filled by a model; all that is known stays to the bit.

The model works around the holes alone, at the scale of its training: a hole that is wider than
those it was trained with is seen smaller, and what fills it is enlarged.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pixelmend.errors import BadRequest
from pixelmend.wire import Raster
from pixelmend_engine.catalog.spec import CONTEXT, WIDEST_HOLE
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.model_runner import ModelRunner
from pixelmend_engine.restoration.same_size import unchanged
from pixelmend_engine.restoration.source_image import (
    SourceImage,
    as_float,
    as_samples,
    blend_weights,
    grown,
)

CELL = 32  # pixels; holes are grouped on a grid of such cells

MIN_SIDE = 8  # pixels of what the model sees


@dataclass(frozen=True, kw_only=True)
class Region:
    """A group of holes, and the rectangle that the model sees for its sake."""

    rows: slice
    columns: slice
    own: Bool[np.ndarray, "h w"]  # of the rectangle: the group's part; others fill the rest
    shrink: float  # how much smaller the model sees it


def inpaint(
    raster: Raster, strength: float, runner: ModelRunner, progress: Progress
) -> tuple[Raster, list[str]]:
    """Fills what the mask marks; without a mask, what the picture's alpha leaves open.

    What fills is painted over the picture, as opaque as the mask is white; without a mask it is
    laid under the picture. `strength` weighs it. Also returns what the user should know.

    Raises:
        BadRequest: There is neither a mask nor alpha.
    """
    source = SourceImage.of(raster)
    shares = _shares(raster, source, strength)
    if not shares.fill.any():
        return unchanged(raster), ["there was nothing to fill: no hole, or no strength"]
    if shares.unknown.all():
        raise BadRequest(
            "All of the picture is to be filled, and nothing is left to fill it from",
            hint="Select less, or give a mask that leaves something black",
        )
    result = source.samples.copy()
    regions = list(_regions(shares))
    for number, region in enumerate(regions):
        part_of_work = progress.part(1, after=number, of=len(regions))
        filled = runner.run(_with_holes(source, shares, region), part_of_work)
        part = result[region.rows, region.columns]
        _paint(part, source.from_network(_enlarged(filled, region), slice(None)), shares, region)
    return dataclasses.replace(raster, data=result.data.cast("B"), mask=None), source.notes


@dataclass(frozen=True, kw_only=True)
class _Shares:
    # Of each pixel of the result: how much comes from what fills, and how much from the picture.
    fill: Float[np.ndarray, "h w"]
    keep: Float[np.ndarray, "h w"]
    unknown: Bool[np.ndarray, "h w"]  # where the model is not to look
    color: list[int]
    has_alpha: bool


def _shares(raster: Raster, source: SourceImage, strength: float) -> _Shares:
    alpha = source.alpha(slice(None))
    if raster.mask is None and alpha is None:
        raise BadRequest(
            "Nothing says what is to be filled",
            hint="Select it, give a mask, or erase it from a picture with transparency",
        )
    opaque = np.ones(source.invalid.shape, np.float32) if alpha is None else alpha
    if raster.mask is not None:
        fill = blend_weights(raster, strength)
        keep, unknown = (1 - fill) * opaque, fill > 0
    else:
        fill = (1 - opaque) * np.float32(strength)
        keep, unknown = opaque, opaque < 0.5  # the model looks at what is more there than not
    return _Shares(
        fill=fill,
        keep=np.where(source.invalid, np.float32(0), keep),
        unknown=unknown | source.invalid,
        color=source.color,
        has_alpha=alpha is not None,
    )


def _regions(shares: _Shares) -> Iterator[Region]:
    hole = shares.fill > 0
    height, width = hole.shape
    padded = np.pad(hole, ((0, -height % CELL), (0, -width % CELL)))
    cells = rearrange(padded, "(h i) (w j) -> h w (i j)", i=CELL, j=CELL).any(axis=2)
    reach = np.ones((CONTEXT // CELL + 1, CONTEXT // CELL + 1), np.uint8)
    near = cv2.dilate(np.asarray(cells, np.uint8), reach)
    count, labels = cv2.connectedComponents(near)
    for label in range(1, count):
        group = cells & (np.asarray(labels) == label)
        rows = _extent(group.any(axis=1))
        columns = _extent(group.any(axis=0))
        shrink = _shrink(shares, hole, group, rows, columns)
        context = int(CONTEXT * shrink)
        rows, columns = grown(rows, context, height), grown(columns, context, width)
        own = _own(group, hole, rows, columns)
        yield Region(rows=rows, columns=columns, own=own, shrink=shrink)


def _shrink(
    shares: _Shares, hole: Bool[np.ndarray, "h w"], group: np.ndarray, rows: slice, columns: slice
) -> float:
    height, width = hole.shape
    context = CONTEXT
    around = grown(rows, context, height), grown(columns, context, width)
    while shares.unknown[around].all():  # as far as what is transparent reaches around it
        context *= 2
        around = grown(rows, context, height), grown(columns, context, width)
    # How wide the hole is: twice the way from its middle to what is known, or to the border.
    borders = [
        (int(s.start == 0), int(s.stop == n)) for s, n in zip(around, (height, width), strict=True)
    ]
    (top, bottom), (left, right) = borders
    away = cv2.distanceTransform(
        np.pad(shares.unknown[around], borders).astype(np.uint8),
        cv2.DIST_L2,
        cv2.DIST_MASK_PRECISE,
    )
    away = away[top : away.shape[0] - bottom, left : away.shape[1] - right]
    across = 2 * float(away[_own(group, hole, *around)].max())
    return max(1.0, across / WIDEST_HOLE, context / CONTEXT)


def _own(
    group: np.ndarray, hole: Bool[np.ndarray, "h w"], rows: slice, columns: slice
) -> Bool[np.ndarray, "hr wr"]:
    """What is to be filled of a rectangle, as far as it is in the cells of a group."""
    top, left = rows.start // CELL, columns.start // CELL
    cells = group[top : -(-rows.stop // CELL), left : -(-columns.stop // CELL)]
    mine = cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
    mine = mine[rows.start - top * CELL :, columns.start - left * CELL :]
    part = hole[rows, columns]
    return mine[: part.shape[0], : part.shape[1]] & part


def _extent(cells: Bool[np.ndarray, " n"]) -> slice:
    places = np.flatnonzero(cells)
    return slice(int(places[0]) * CELL, (int(places[-1]) + 1) * CELL)


def _with_holes(source: SourceImage, shares: _Shares, region: Region) -> Float[Tensor, "1 4 h w"]:
    image = source.model_input(region.rows, region.columns, shares.unknown)
    holes = torch.from_numpy(shares.unknown[region.rows, region.columns]).float()
    holes = rearrange(holes, "h w -> 1 1 h w")
    if region.shrink > 1:
        size = [max(MIN_SIDE, round(side / region.shrink)) for side in holes.shape[-2:]]
        # Means of what is known; where that is nothing, a hole stays.
        known = functional.interpolate(1 - holes, size=size, mode="area")
        image = functional.interpolate(image * (1 - holes), size=size, mode="area")
        image, holes = image / known.clamp(min=torch.finfo().eps), (known == 0).float()
    return torch.cat([image * (1 - holes), holes], dim=1)


def _enlarged(filled: Float[Tensor, "1 3 h w"], region: Region) -> Float[Tensor, "1 3 hs ws"]:
    if region.shrink > 1:
        size = list(region.own.shape)
        filled = functional.interpolate(filled, size=size, mode="bicubic", align_corners=False)
    return filled.clamp(0, 1)


def _paint(
    part: np.ndarray, filled: Float[np.ndarray, "h w c"], shares: _Shares, region: Region
) -> None:
    own = region.own
    fill = shares.fill[region.rows, region.columns][own][:, None]
    keep = shares.keep[region.rows, region.columns][own][:, None]
    pixels = part[own]
    known = as_float(pixels[:, shares.color])
    known = np.where(keep > 0, known, np.float32(0))  # of hidden ones it may be no number
    values = (keep * known + fill * filled[own]) / (keep + fill)
    pixels[:, shares.color] = as_samples(values, part.dtype)
    if shares.has_alpha:
        pixels[:, -1] = as_samples((keep + fill)[:, 0], part.dtype)
    part[own] = pixels
