"""Measures what a megapixel costs each system that runs in tiles, in float32, with random weights.

    python tests/bench/memory_cost.py [MODEL...]

Bytes per pixel, as `MemoryCost` has them, are the growth of a process's peak memory from a small
picture to a larger one, divided by the growth in pixels, so that torch, weights and buffers of
fixed size cancel out. Seconds are those of the larger picture, given to the model whole, for each
megapixel of it, after a run on a corner. The last column is the peak of a process that is given one
megapixel whole, reckoned from the larger picture's.
"""

import subprocess
import sys
import time

from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.catalog.registry import MODELS, find

SMALL, LARGE = 192, 384  # pixels a side, where the network works

PHASES = ("prepare", "tile")


def main() -> None:
    """Measures the models named on the command line, or one of each system."""
    systems = {spec.config: spec.id for spec in reversed(MODELS) if spec.tiling != "internal"}
    print(f"{'model':24} {'prepare':>9} {'tile':>9} {'s/MP':>9} {'GB at MP':>9}")
    for model_id in sys.argv[1:] or [*reversed(systems.values())]:
        shrink = getattr(find(model_id).config, "network_shrink", 1)
        small, large = SMALL * shrink, LARGE * shrink
        grown = large**2 - small**2
        (looked, _), (tiled, _) = (_measured(model_id, small, phase) for phase in PHASES)
        (looks, looking_s), (tiles, tiling_s) = (
            _measured(model_id, large, phase) for phase in PHASES
        )
        look_cost, tile_cost = (looks - looked) / grown, (tiles - tiled) / grown
        seconds = (looking_s + tiling_s) / large**2 * 1e6
        peak = tiles + tile_cost * (1e6 - large**2)
        print(
            f"{model_id:24} {look_cost:9.0f} {tile_cost:9.0f} {seconds:9.0f} {peak / 1e9:9.1f}",
            flush=True,
        )


def _measured(model_id: str, side: int, phase: str) -> tuple[int, float]:
    """The peak memory of a process in bytes, and the seconds of one phase in it."""
    command = [sys.executable, __file__, "--child", model_id, str(side), phase]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(said[0]), float(said[1])


def _child(model_id: str, side: int, phase: str) -> None:
    import torch

    from pixelmend_engine.inference import devices
    from pixelmend_engine.models.diffir import DiffIR
    from pixelmend_engine.models.hidiff import HIDiff
    from pixelmend_engine.models.pipeline import ModelRequest
    from pixelmend_engine.models.prior_guided import PriorGuidedPipeline
    from pixelmend_engine.nn.progress import Progress

    devices.use_huge_pages()
    match find(model_id).config:
        case HIDiffConfig() as config:
            pipeline = PriorGuidedPipeline(HIDiff(config, teacher=False), torch.float32)
        case DiffIRConfig() as config:
            pipeline = PriorGuidedPipeline(DiffIR(config), torch.float32)
        case other:
            raise AssertionError(other)
    image = torch.rand(1, getattr(config, "inputs", 3), side, side)

    corner = image[..., :64, :64]
    restorer = pipeline.prepare(corner, ModelRequest(), Progress())
    restorer(corner, Progress())
    started = time.perf_counter()
    if phase == "prepare":
        pipeline.prepare(image, ModelRequest(), Progress())
    else:
        restorer(image, Progress())
    took = time.perf_counter() - started
    print(devices.peak_bytes(torch.device("cpu")), took)


if __name__ == "__main__":
    if "--child" in sys.argv:
        _child(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
