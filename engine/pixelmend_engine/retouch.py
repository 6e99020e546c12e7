"""A model's change, applied to a picture as the front end has it: its depth, profile and alpha.

The model sees a copy in sRGB. What it changed there, and nothing else, is carried over to the
picture's own values: so colors outside sRGB survive, what the model leaves alone stays to the bit,
and so does all that the mask leaves out.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pixelmend.wire import CHANNELS, Raster
from pixelmend_engine.color import ColorSpace, color_space

Restore = Callable[[Float[Tensor, "1 3 h w"]], Float[Tensor, "1 3 h w"]]
"""Restores a picture: sRGB, [0, 1], in and out."""

DTYPES = {"U8": "<u1", "U16": "<u2", "F16": "<f2", "F32": "<f4"}
# Which samples of a pixel have color, in the order red, green, blue (or gray alone).
COLOR = {
    "RGB": (0, 1, 2),
    "RGBA": (0, 1, 2),
    "BGR": (2, 1, 0),
    "BGRA": (2, 1, 0),
    "Y": (0,),
    "YA": (0,),
}
CONTEXT = 128  # pixels around a mask that the model sees; training shows it 128 and more
BRIGHTEST = 1024.0  # times white; the model sees no more than white, and curves must not overflow
BAND = 256  # rows converted at once, so that float copies of a large picture stay small


def retouch(raster: Raster, strength: float, restore: Restore) -> tuple[Raster, list[str]]:
    """Restores a picture; returns it with the same size, type, channels, encoding and profile.

    Where it is transparent, or not a number, it stays as it is, and the model sees colors from
    around there instead. `strength` and the mask weigh the change in the picture's own encoding.
    Also returns what the user should know.
    """
    shape = (raster.height, raster.width, CHANNELS[raster.channels])
    source = np.frombuffer(raster.data, DTYPES[raster.samples]).reshape(shape)
    weight = _weights(raster, strength)
    hidden = _hidden(source, raster.channels)
    weight[hidden] = 0
    rows, columns = _around(weight > 0)
    if rows.stop == rows.start:
        reason = "all of it is masked or hidden" if strength > 0 else "the strength is 0"
        return _unchanged(raster), [f"there was nothing to restore: {reason}"]
    space, note = color_space(raster)

    color = COLOR[raster.channels]
    part = source[rows, columns][..., color]
    seen = _to_network(part, hidden[rows, columns], space)
    restored = restore(seen).clamp_(0, 1)
    result = source.copy()
    for band in _bands(part.shape[0]):
        change = _from_network(restored, band, space) - _from_network(seen, band, space)
        with np.errstate(invalid="ignore", over="ignore"):  # what is no number stays as it is
            values = _as_float(part[band]) + weight[rows, columns][band, :, None] * change
            result[rows, columns][band][..., color] = _as_samples(values, part[band])
    whole = dataclasses.replace(raster, data=result.data.cast("B"), mask=None)
    return whole, [] if note is None else [note]


def _weights(raster: Raster, strength: float) -> Float[np.ndarray, "h w"]:
    if raster.mask is None:
        return np.full((raster.height, raster.width), strength, np.float32)
    mask = np.frombuffer(raster.mask, np.uint8).reshape(raster.height, raster.width)
    return mask.astype(np.float32) * np.float32(strength / 255)


def _hidden(source: np.ndarray, channels: str) -> Bool[np.ndarray, "h w"]:
    hidden = np.zeros(source.shape[:2], bool)
    if channels.endswith("A"):
        hidden |= source[..., -1] == 0
    if source.dtype.kind == "f":
        hidden |= ~np.isfinite(source).all(axis=2)
    return hidden


def _around(wanted: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    # The rectangle that holds all of it, with what the model needs to see around it.
    spans: list[slice] = []
    for axis in (1, 0):
        places = np.flatnonzero(wanted.any(axis=axis))
        if len(places) == 0:
            return slice(0, 0), slice(0, 0)
        spans.append(slice(max(0, int(places[0]) - CONTEXT), int(places[-1]) + 1 + CONTEXT))
    rows, columns = spans
    height, width = wanted.shape
    return slice(rows.start, min(rows.stop, height)), slice(columns.start, min(columns.stop, width))


def _unchanged(raster: Raster) -> Raster:
    return dataclasses.replace(raster, data=bytes(raster.data), mask=None)


def _to_network(
    part: np.ndarray, hidden: Bool[np.ndarray, "h w"], space: ColorSpace
) -> Float[Tensor, "1 3 h w"]:
    height, width, _ = part.shape
    seen = np.empty((height, width, 3), np.float32)
    for band in _bands(height):
        values = np.where(hidden[band, :, None], np.float32(0), _as_float(part[band]))
        values = np.clip(values, -BRIGHTEST, BRIGHTEST)
        seen[band] = np.clip(space.to_srgb(values), 0, 1)
    image = rearrange(torch.from_numpy(seen), "h w c -> 1 c h w").contiguous()
    if not hidden.any():
        return image
    known = rearrange(torch.from_numpy(~hidden), "h w -> 1 1 h w").float()
    return _fill(image, known)


def _fill(image: Float[Tensor, "1 3 h w"], known: Float[Tensor, "1 1 h w"]) -> Tensor:
    # Pull-push: ever coarser means of what is known fill what is not, from coarse to fine.
    if known.min() > 0 or max(known.shape) == 1:
        return image
    share = functional.avg_pool2d(known, 2, ceil_mode=True)
    coarse = functional.avg_pool2d(image * known, 2, ceil_mode=True) / share.clamp_min(1e-6)
    coarse = _fill(coarse, (share > 0).float())
    size = (image.shape[-2], image.shape[-1])
    smooth = functional.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
    return torch.where(known > 0, image, smooth)


def _from_network(
    image: Float[Tensor, "1 3 h w"], band: slice, space: ColorSpace
) -> Float[np.ndarray, "n w c"]:
    rows = rearrange(image[..., band, :], "1 c h w -> h w c").contiguous().numpy()
    return space.from_srgb(rows)


def _bands(height: int) -> Iterator[slice]:
    for start in range(0, height, BAND):
        yield slice(start, min(start + BAND, height))


def _as_float(samples: np.ndarray) -> Float[np.ndarray, "..."]:
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    return samples.astype(np.float32) / np.iinfo(samples.dtype).max


def _as_samples(values: Float[np.ndarray, "..."], like: np.ndarray) -> np.ndarray:
    if like.dtype.kind == "f":
        # What is not finite, and what was not changed (a zero below zero), comes through as it was.
        return np.where(np.isfinite(values) & (values != like), values, like).astype(like.dtype)
    top = np.iinfo(like.dtype).max
    return np.rint(np.clip(values, 0, 1) * top).astype(like.dtype)
