"""Measures `MemoryCost` of every model in the catalogue, with random weights, in float32.

    python tests/bench/memory_cost.py [MODEL...]

Each figure is the growth of a process's peak memory from a small picture to a larger one, divided
by the growth in pixels, so that torch, weights and buffers of fixed size cancel out.
"""

import subprocess
import sys

from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.registry import MODELS, find

SMALL, LARGE = 512, 1024  # pixels a side


def main() -> None:
    """Measures the models named on the command line, or all."""
    print(f"{'model':20} {'prepare':>9} {'tile':>9}   bytes per pixel")
    for model_id in sys.argv[1:] or [spec.id for spec in MODELS]:
        costs = [
            (_peak(model_id, LARGE, phase) - _peak(model_id, SMALL, phase)) / (LARGE**2 - SMALL**2)
            for phase in ("prepare", "tile")
        ]
        print(f"{model_id:20} {costs[0]:9.0f} {costs[1]:9.0f}")


def _peak(model_id: str, side: int, phase: str) -> int:
    command = [sys.executable, __file__, "--child", model_id, str(side), phase]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _child(model_id: str, side: int, phase: str) -> None:
    import torch

    from pixelmend_engine import devices
    from pixelmend_engine.family import Request
    from pixelmend_engine.models.diffir import DiffIR
    from pixelmend_engine.models.guided import GuidedPipeline
    from pixelmend_engine.models.hidiff import HIDiff

    match find(model_id).config:
        case HIDiffConfig() as config:
            pipeline = GuidedPipeline(HIDiff(config, teacher=False), torch.float32)
        case DiffIRConfig() as config:
            pipeline = GuidedPipeline(DiffIR(config), torch.float32)
        case other:
            raise AssertionError(other)
    image = torch.rand(1, getattr(config, "inputs", 3), side, side)

    def ignore(_done: int, _total: int) -> None:
        """Reports to nobody."""

    seen = image if phase == "prepare" else image[..., :64, :64]
    restorer = pipeline.prepare(seen, Request(), ignore)
    if phase == "tile":
        restorer(image, ignore)
    print(devices.peak_bytes(torch.device("cpu")))


if __name__ == "__main__":
    if "--child" in sys.argv:
        _child(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
