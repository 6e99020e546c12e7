"""A picture's own values, and the copy of them that a model sees: in sRGB, with nothing invalid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torch.nn import functional

from pixelmend.wire import CHANNELS, Raster
from pixelmend_engine.images.color import ColorSpace, color_space
from pixelmend_engine.images.sample_types import DTYPES

# Which samples of a pixel have color, in the order red, green, blue (or gray alone).
COLOR = {
    "RGB": (0, 1, 2),
    "RGBA": (0, 1, 2),
    "BGR": (2, 1, 0),
    "BGRA": (2, 1, 0),
    "Y": (0,),
    "YA": (0,),
}
BRIGHTEST = 1024.0  # times white; a model sees no more than white, and curves must not overflow
BAND = 256  # rows converted at once, so that float copies of a large picture stay small


@dataclass(frozen=True, kw_only=True)
class SourceImage:
    """The samples of a picture, and what they mean."""

    samples: Shaped[np.ndarray, "h w c"]
    channels: str  # a key of COLOR
    invalid: Bool[np.ndarray, "h w"]  # where it is transparent, or not a number
    space: ColorSpace
    notes: list[str]  # what the user should know

    @classmethod
    def of(cls, raster: Raster) -> SourceImage:
        """Reads what a front end sent."""
        shape = (raster.height, raster.width, CHANNELS[raster.channels])
        samples = np.frombuffer(raster.data, DTYPES[raster.sample_type]).reshape(shape)
        invalid = np.zeros(shape[:2], bool)
        if raster.channels.endswith("A"):
            invalid |= samples[..., -1] == 0
        if samples.dtype.kind == "f":
            invalid |= ~np.isfinite(samples).all(axis=2)
        space, note = color_space(raster)
        notes = [] if note is None else [note]
        return cls(
            samples=samples, channels=raster.channels, invalid=invalid, space=space, notes=notes
        )

    @property
    def color(self) -> list[int]:
        """Which samples of a pixel have color."""
        return list(COLOR[self.channels])

    def alpha(self, rows: slice) -> Float[np.ndarray, "n w"] | None:
        """Returns how opaque some rows are, in [0, 1]; None: all is."""
        if not self.channels.endswith("A"):
            return None
        alpha = np.nan_to_num(as_float(self.samples[rows, :, -1]), posinf=1.0, neginf=0.0)
        return alpha.clip(0, 1)

    def model_input(
        self, rows: slice, columns: slice, unknown: Bool[np.ndarray, "hs ws"] | None = None
    ) -> Float[Tensor, "1 3 h w"]:
        """Returns a part of it as a model sees it: sRGB, in [0, 1].

        What is invalid, or else what is `unknown`, has colors from around there.
        """
        unknown = (self.invalid if unknown is None else unknown)[rows, columns]
        part = self.samples[rows, columns]
        height, width = unknown.shape
        model_input = np.empty((height, width, 3), np.float32)
        for band in bands(height):
            values = as_float(part[band][..., self.color])
            values = np.where(unknown[band, :, None], np.float32(0), values)
            values = np.clip(values, -BRIGHTEST, BRIGHTEST)
            model_input[band] = np.clip(self.space.to_srgb(values), 0, 1)
        image = rearrange(torch.from_numpy(model_input), "h w c -> 1 c h w").contiguous()
        if not unknown.any():
            return image
        known = rearrange(torch.from_numpy(~unknown), "h w -> 1 1 h w").float()
        return _filled(image, known)

    def from_network(
        self, image: Float[Tensor, "1 3 h w"], rows: slice
    ) -> Float[np.ndarray, "n w c"]:
        """Returns some rows of what a model sees or puts out in the picture's own color space."""
        part = rearrange(image[..., rows, :], "1 c h w -> h w c").contiguous().numpy()
        return self.space.from_srgb(part)


def blend_weights(raster: Raster, strength: float) -> Float[np.ndarray, "h w"]:
    """Returns how much of what a model does is wanted at each pixel: strength times mask."""
    if raster.mask is None:
        return np.full((raster.height, raster.width), strength, np.float32)
    mask = np.frombuffer(raster.mask, np.uint8).reshape(raster.height, raster.width)
    return mask.astype(np.float32) * np.float32(strength / 255)


def grown(span: slice, by: int, length: int) -> slice:
    """Returns a range of rows or columns with more at both ends, as far as there are so many."""
    return slice(max(0, span.start - by), min(length, span.stop + by))


def bands(height: int) -> Iterator[slice]:
    """Cuts rows into as many as are converted at once."""
    for start in range(0, height, BAND):
        yield slice(start, min(start + BAND, height))


def as_float(samples: Shaped[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    """Returns samples as floats: 1 is white."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    return samples.astype(np.float32) / np.iinfo(samples.dtype).max


def as_samples(values: Float[np.ndarray, ...], kind: np.dtype) -> Shaped[np.ndarray, ...]:
    """Returns floats as samples of a type; the reverse of `as_float`."""
    if kind.kind == "f":
        largest = np.finfo(kind).max
        return values.clip(-largest, largest).astype(kind)
    return np.rint(values.clip(0, 1) * np.iinfo(kind).max).astype(kind)


def _filled(image: Float[Tensor, "1 3 h w"], known: Float[Tensor, "1 1 h w"]) -> Tensor:
    # Pull-push: ever coarser means of what is known fill what is not, from coarse to fine.
    if known.min() > 0 or max(known.shape) == 1:
        return image
    share = functional.avg_pool2d(known, 2, ceil_mode=True)
    coarse = functional.avg_pool2d(image * known, 2, ceil_mode=True) / share.clamp_min(1e-6)
    coarse = _filled(coarse, (share > 0).float())
    size = (image.shape[-2], image.shape[-1])
    smooth = functional.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
    return torch.where(known > 0, image, smooth)
