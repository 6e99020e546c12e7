"""A model's change, applied to a picture as the front end has it: its depth, profile and alpha.

The model sees a copy in sRGB. What it changed there, and nothing else, is carried over to the
picture's own values: so colors outside sRGB survive, what the model leaves alone stays to the bit,
and so does all that the mask leaves out.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Shaped

from pixelmend.wire import Raster
from pixelmend_engine.catalog.spec import CONTEXT
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.model_runner import ModelRunner
from pixelmend_engine.restoration.source_image import (
    SourceImage,
    as_float,
    as_samples,
    bands,
    blend_weights,
    grown,
)


def restore_same_size(
    raster: Raster,
    strength: float,
    runner: ModelRunner,
    progress: Progress,
    context: int | None = CONTEXT,
) -> tuple[Raster, list[str]]:
    """Restores a picture; returns it with the same size, type, channels, encoding and profile.

    Where it is transparent, or not a number, it stays as it is, and the model sees colors from
    around there instead. `strength` and the mask weigh the change in the picture's own encoding.
    The model sees `context` pixels around the mask; None: the whole picture.
    Also returns what the user should know.
    """
    source = SourceImage.of(raster)
    weight = blend_weights(raster, strength)
    weight[source.invalid] = 0
    rows, columns = _around(weight > 0, context)
    if rows.stop == rows.start:
        reason = "all of it is masked or hidden" if strength > 0 else "the strength is 0"
        return unchanged(raster), [f"there was nothing to restore: {reason}"]

    part = source.samples[rows, columns][..., source.color]
    model_input = source.model_input(rows, columns)
    restored = runner.run(model_input, progress).clamp_(0, 1)
    result = source.samples.copy()
    for band in bands(part.shape[0]):
        change = source.from_network(restored, band) - source.from_network(model_input, band)
        with np.errstate(invalid="ignore", over="ignore"):  # what is no number stays as it is
            values = as_float(part[band]) + weight[rows, columns][band, :, None] * change
            result[rows, columns][band][..., source.color] = _changed(values, part[band])
    return dataclasses.replace(raster, data=result.data.cast("B"), mask=None), source.notes


def _around(mask: Bool[np.ndarray, "h w"], context: int | None) -> tuple[slice, slice]:
    # The rectangle that holds all of it, with what the model needs to see around it.
    spans: list[slice] = []
    for axis, length in enumerate(mask.shape):
        places = np.flatnonzero(mask.any(axis=1 - axis))
        if len(places) == 0:
            return slice(0, 0), slice(0, 0)
        beside = length if context is None else context
        spans.append(grown(slice(int(places[0]), int(places[-1]) + 1), beside, length))
    rows, columns = spans
    return rows, columns


def unchanged(raster: Raster) -> Raster:
    """Returns a picture as it came."""
    return dataclasses.replace(raster, data=bytes(raster.data), mask=None)


def _changed(values: Float[np.ndarray, "..."], like: np.ndarray) -> Shaped[np.ndarray, "..."]:
    if like.dtype.kind == "f":
        # What is not finite, and what was not changed (a zero below zero), comes through as it was.
        return np.where(np.isfinite(values) & (values != like), values, like).astype(like.dtype)
    return as_samples(values, like.dtype)
