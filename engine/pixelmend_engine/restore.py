"""One picture through one model: padded, cut into tiles where it must be, blended, mixed."""

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pixelmend.errors import OutOfMemory
from pixelmend_engine import color, devices, tiling
from pixelmend_engine.catalog.spec import MIN_TILE, ModelSpec
from pixelmend_engine.family import Pipeline, Report

logger = logging.getLogger(__name__)

MEMORY_SHARE = 0.5  # of what is free; the rest is for the user's other programs
LARGEST_TILE = 768  # pixels a side; larger ones cost memory and gain little (docs/performance.md)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user may choose for one restoration."""

    seed: int = 0
    tile: int | None = None  # None: as memory allows; 0: never; else the longest side, in pixels
    strength: float = 1.0  # 0 keeps the picture, 1 takes the restored one


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A restored picture, and what it took."""

    pixels: UInt8[np.ndarray, "h w 3"]
    tiles: int
    seconds: float
    peak_bytes: int  # the most memory this process has held on the device


def restore(
    pipeline: Pipeline,
    spec: ModelSpec,
    pixels: UInt8[np.ndarray, "h w 3"],
    options: Options,
    device: torch.device,
    report: Report,
) -> Restored:
    """Restores an 8-bit sRGB picture whose sides are at least `spec.multiple` pixels.

    Raises:
        OutOfMemory: The picture, or one tile of it, does not fit.
        Canceled: `report` said so.
    """
    started = time.monotonic()
    height, width, _ = pixels.shape
    image = tiling.pad(color.to_network(pixels), spec.multiple)
    plan = plan_tiles(spec, image.shape[-2], image.shape[-1], options.tile, device)
    steps = pipeline.tile_steps
    total = 1 + len(plan.tiles) * steps

    try:
        report(0, total)
        restorer = pipeline.prepare(image.to(device), options.seed)
        report(1, total)

        def restore_tile(tile: Float[Tensor, "1 3 h w"], number: int) -> Float[Tensor, "1 3 hs ws"]:
            before = 1 + number * steps
            return restorer(tile.to(device), lambda done, _: report(before + done, total))

        restored = tiling.apply(restore_tile, image, plan, spec.scale)
    except (RuntimeError, MemoryError) as error:
        if devices.is_out_of_memory(error):
            raise _out_of_memory(plan, device) from error
        raise
    restored = restored[..., : height * spec.scale, : width * spec.scale]
    mixed = torch.lerp(image[..., :height, :width], restored, options.strength)
    result = Restored(
        pixels=color.from_network(mixed),
        tiles=len(plan.tiles),
        seconds=time.monotonic() - started,
        peak_bytes=devices.peak_bytes(device),
    )
    logger.info(
        "restored %d x %d pixels with %s in %d tiles on %s: %.2f s, peak memory %.2f GB",
        width,
        height,
        spec.id,
        result.tiles,
        device,
        result.seconds,
        result.peak_bytes / 1e9,
    )
    return result


def plan_tiles(
    spec: ModelSpec, height: int, width: int, tile: int | None, device: torch.device
) -> tiling.Plan:
    """Takes the picture whole where it fits, because attention sees it whole; else cuts it.

    Raises:
        OutOfMemory: There is not even room to look at the whole picture once.
    """
    free = devices.free_bytes(device)
    fixed = spec.cost.prepare_bytes_per_pixel * height * width
    if fixed > free:
        raise OutOfMemory(
            f"A picture of {width} x {height} pixels needs {fixed / 1e9:.1f} GB of memory, "
            f"and {free / 1e9:.1f} GB are free on `{device}`",
            hint="Close other programs, or restore the picture in parts",
        )
    if tile is not None:
        return tiling.plan(height, width, tile or None, spec.multiple)
    affordable = int((free * MEMORY_SHARE - fixed) / spec.cost.tile_bytes_per_pixel)
    if height * width <= affordable:
        return tiling.plan(height, width, None, spec.multiple)
    side = min(LARGEST_TILE, tiling.largest_side(affordable, spec.multiple))
    return tiling.plan(height, width, side, spec.multiple)


def _out_of_memory(plan: tiling.Plan, device: torch.device) -> OutOfMemory:
    longest = max(max(tile.rows.length, tile.columns.length) for tile in plan.tiles)
    smaller = f", or use --tile {max(MIN_TILE, longest // 2)}" if longest > MIN_TILE else ""
    return OutOfMemory(
        f"The memory of `{device}` does not hold a tile of {longest} pixels a side",
        hint=f"Close other programs{smaller}",
    )
