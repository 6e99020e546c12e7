"""Compares pictures restored in tiles with the same pictures restored whole.

    python tests/bench/tiling_quality.py PICTURE...

`difference` is the PSNR between the two, in dB. `seam` is the mean step between neighboring rows
and columns of the difference where tiles begin and end, over the mean step everywhere: 1 means
that nothing marks a border.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fakes import Function
from numpy.typing import NDArray
from torch import Tensor

from pixelmend.wire import Raster
from pixelmend_cli import settings
from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.images import files as images
from pixelmend_engine.inference.tile_size import plan_tiles
from pixelmend_engine.inference.tiled_inference import (
    InferenceResult,
    LoadedModel,
    run_model,
)
from pixelmend_engine.models import loading
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.same_size import restore_same_size
from pixelmend_engine.weights import store

CPU = torch.device("cpu")
Pixels = NDArray[np.uint8]
SIDES = (192, 256, 384, 512, 768, 1024)  # pixels


@dataclass(frozen=True)
class Run:
    """One restoration."""

    pixels: Pixels
    tiles: int
    seconds: float


def main() -> None:
    """Prints one line for each model, picture and tile side."""
    models_dir = settings.resolve(os.environ).models_dir
    print(
        f"{'model':20} {'picture':28} {'side':>5} {'tiles':>5} {'difference':>10} {'seam':>5} "
        f"{'seconds':>7}"
    )
    for spec in registry.MODELS:
        if store.state(spec, models_dir) == "missing":
            print(f"{spec.id:20} not measured: weights not available")
            continue
        files = store.locate(spec, models_dir)
        _, pipeline = loading.load([spec], files, CPU, torch.float32)
        for path in map(Path, sys.argv[1:]):
            pixels = images.read(path).pixels[..., :3]
            _compare(pipeline, spec, pixels, f"{spec.id:20} {path.name:28}")


def _compare(pipeline: Pipeline, spec: ModelSpec, pixels: Pixels, label: str) -> None:
    height, width, _ = pixels.shape
    whole = run(pipeline, spec, pixels, 0)
    print(f"{label} {'whole':>5} {1:5} {'':10} {'':5} {whole.seconds:7.1f}")
    for side in (side for side in SIDES if side < max(height, width)):
        tiled = run(pipeline, spec, pixels, side)
        difference = tiled.pixels.astype(np.float64) - whole.pixels
        psnr = 10 * np.log10(255**2 / np.mean(difference**2))
        padded = [-(-length // spec.multiple) * spec.multiple for length in (height, width)]
        plan = plan_tiles(spec, padded[0], padded[1], side, CPU)
        rows = {edge for tile in plan.tiles for edge in (tile.rows.start, tile.rows.stop)}
        columns = {e for tile in plan.tiles for e in (tile.columns.start, tile.columns.stop)}
        seam = _seam(difference, rows, columns)
        print(f"{label} {side:5} {tiled.tiles:5} {psnr:10.1f} {seam:5.2f} {tiled.seconds:7.1f}")


def run(pipeline: Pipeline, spec: ModelSpec, pixels: Pixels, side: int) -> Run:
    """Restores a picture with tiles of that side; 0: whole."""
    runs: list[InferenceResult] = []

    def through_the_model(image: Tensor) -> Tensor:
        model = LoadedModel(spec, pipeline, CPU)
        runs.append(run_model(model, image, ModelRequest(tile=side), Progress()))
        return runs[-1].image

    height, width, _ = pixels.shape
    source = Raster(width, height, "U8", "RGB", pixels.tobytes())
    result, _ = restore_same_size(source, 1.0, Function(through_the_model), Progress())
    restored = np.frombuffer(result.data, np.uint8).reshape(pixels.shape)
    return Run(restored, runs[0].tiles, runs[0].seconds)


def _seam(difference: NDArray[np.float64], rows: set[int], columns: set[int]) -> float:
    steps = [np.abs(np.diff(difference, axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)]
    at_borders = [
        step[edge - 1]
        for step, edges in zip(steps, (rows, columns), strict=True)
        for edge in edges
        if 0 < edge <= len(step)
    ]
    return float(np.mean(at_borders) / np.mean(np.concatenate(steps)))


if __name__ == "__main__":
    main()
