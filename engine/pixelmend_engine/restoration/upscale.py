"""A picture made larger: the model's result, in the picture's own depth, profile and alpha.

The model sees a copy in sRGB and puts out a larger one. What that copy had no room for (colors
outside sRGB, light beyond white) is enlarged by cubic convolution and added again, and so is alpha.
"""

import dataclasses

import numpy as np
from einops import rearrange
from jaxtyping import Float

from pixelmend.wire import Raster
from pixelmend_engine.images import limits
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.model_runner import ModelRunner
from pixelmend_engine.restoration.resampling import Enlargement
from pixelmend_engine.restoration.source_image import (
    SourceImage,
    as_float,
    as_samples,
    bands,
    blend_weights,
)


def upscale(
    raster: Raster, scale: float, strength: float, runner: ModelRunner, progress: Progress
) -> tuple[Raster, list[str]]:
    """Enlarges a picture; returns it with the same type, channels, encoding and profile.

    Height and width are rounded down, as the published code does. Where the model is not wanted
    (less `strength`, or a mask), cubic convolution does the rest. What is transparent, or not a
    number, has colors from around there. Also returns what the user should know.
    """
    source = SourceImage.of(raster)
    limits.check_result(raster.width, raster.height, scale)
    whole = slice(0, raster.height), slice(0, raster.width)
    model_input = source.model_input(*whole)
    weight = blend_weights(raster, strength)[..., None]
    height, width = int(raster.height * scale), int(raster.width * scale)
    enlargement = Enlargement((raster.height, raster.width), (height, width))
    restored = runner.run(model_input, progress).clamp_(0, 1) if weight.any() else None

    def smooth(rows: slice) -> Float[np.ndarray, "n w 3"]:
        return rearrange(model_input[..., rows, :], "1 c h w -> h w c").numpy()

    def excess(rows: slice) -> Float[np.ndarray, "n w c"]:
        values = as_float(source.samples[rows][..., source.color])
        with np.errstate(invalid="ignore", over="ignore"):  # hidden ones, left out below
            rest = values - source.from_network(model_input, rows)
        return np.where(source.invalid[rows, :, None], np.float32(0), rest)

    result = np.empty((height, width, source.samples.shape[2]), source.samples.dtype)
    for band in bands(height):
        plain = source.space.from_srgb(enlargement.rows(band, smooth).clip(0, 1))
        values = plain + enlargement.rows(band, excess)
        if restored is not None:
            share = enlargement.rows(band, weight.__getitem__).clip(0, 1)
            values += share * (source.from_network(restored, band) - plain)
        result[band][..., source.color] = as_samples(values, result.dtype)
        if source.channels.endswith("A"):
            alpha = enlargement.rows(band, lambda rows: _alpha(source, rows)).clip(0, 1)
            result[band][..., -1:] = as_samples(alpha, result.dtype)
    larger = dataclasses.replace(
        raster, width=width, height=height, data=result.data.cast("B"), mask=None
    )
    return larger, source.notes


def _alpha(source: SourceImage, rows: slice) -> Float[np.ndarray, "n w 1"]:
    alpha = source.alpha(rows)
    assert alpha is not None
    return alpha[..., None]
