"""How large tiles are: by the memory that is free, and by what the user asks for."""

import torch

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.spec import LARGEST_TILE, ModelSpec, picture_bytes
from pixelmend_engine.inference import devices, memory, tiling


def plan_tiles(
    spec: ModelSpec,
    height: int,
    width: int,
    tile: int | None,
    device: torch.device,
    scale: float = 1.0,
    most_bytes: int | None = None,
) -> tiling.Plan:
    """Takes the picture whole where it fits, because attention sees it whole; else cuts it.

    `most_bytes` is what the plan may take where more is free.

    Raises:
        OutOfMemory: There is not even room to look at the whole picture once.
    """
    free = devices.free_bytes(device)
    pixels = height * width
    result_pixels = int(pixels * scale**2)
    fixed = spec.cost.prepare_bytes(pixels, result_pixels)
    if fixed > free:
        raise OutOfMemory(
            f"A picture of {width} x {height} pixels needs {fixed / 1e9:.1f} GB of memory, "
            f"and {free / 1e9:.1f} GB are free on `{device}`",
            hint="Close other programs, or restore the picture in parts",
        )
    if spec.tiling == "internal":
        return tiling.plan(height, width, None, spec.multiple)
    if tile is not None:
        return tiling.plan(height, width, tile or None, spec.multiple)
    beside_tiles = picture_bytes(pixels, result_pixels)
    room = free * memory.PLANNED_SHARE
    room = room if most_bytes is None else min(room, most_bytes)
    affordable = int((room - beside_tiles) / spec.cost.tile_bytes_per_pixel)
    if pixels <= affordable:
        return tiling.plan(height, width, None, spec.multiple)
    side = min(LARGEST_TILE, tiling.largest_side(affordable, spec.multiple))
    return tiling.plan(height, width, side, spec.multiple)


def planned_bytes(spec: ModelSpec, plan: tiling.Plan, pixels: int, scale: float = 1.0) -> int:
    """Returns how much memory a plan takes: the picture, its result, and its largest tile."""
    largest = max(tile.rows.length * tile.columns.length for tile in plan.tiles)
    beside_tiles = picture_bytes(pixels, int(pixels * scale**2))
    return beside_tiles + spec.cost.tile_bytes_per_pixel * largest
