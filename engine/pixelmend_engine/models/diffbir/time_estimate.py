"""How long DiffBIR takes, phase by phase: for an even progress, and to warn before it begins.

Figures are from `tests/bench/diffbir.py` (docs/performance.md), for the published sizes.
"""

import math
import time
from collections.abc import Mapping

import torch

from pixelmend_engine.catalog.diffbir import RestorationModule
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.diffusion.registry import SAMPLERS
from pixelmend_engine.models.diffbir.memory_plan import Phase, Plan, Workload
from pixelmend_engine.nn import gaussian_blending

# Seconds for 512 x 512 pixels in float32 on two CPU cores.
DEGRADATION_REMOVAL_S: Mapping[RestorationModule, float] = {
    "swinir": 1.1,
    "swinir_face": 1.1,
    "bsrnet": 50.0,  # of its input
    "scunet": 11.0,
}
TEXT_ENCODING_S = 0.6
ENCODE_S = 5.0
NETWORK_CALL_S = 6.0  # one call of the diffusion networks, with one prompt
DECODE_S = 10.0
GUIDANCE_S = 30.0  # the decoder forward and backward, for restoration guidance
TIMED_PIXELS = 512 * 512
UNET_PARAMETERS = 865_910_724  # of the published size, which was timed
CFG_FACTOR = 2.0  # a call with both prompts over one with one
MATRIX_SIDE = 1024  # of the product that says how fast a CPU is
MATRIX_PRODUCT_S = 0.012  # of it, on the CPU that the figures were taken on
SLOW_S = 60.0  # longer than this is worth a warning
HOURS_FROM_MIN = 100


def seconds_by_phase(settings: DiffBIRSettings, work: Workload, plan: Plan) -> dict[Phase, float]:
    """Returns the seconds of each phase for one picture, in the order of the phases."""
    calls = SAMPLERS[settings.sampler].evaluations(settings.steps)
    cfg_factor = 1.0 if settings.cfg_scale == 1 else CFG_FACTOR
    guidance_s = settings.steps * GUIDANCE_S if settings.fidelity else 0.0
    relative_area = math.prod(work.size) / TIMED_PIXELS
    return {
        "encode_text": TEXT_ENCODING_S,
        "remove_degradation": DEGRADATION_REMOVAL_S[work.restoration_module]
        * (math.prod(work.module_input_size) / TIMED_PIXELS)
        * _overlap_factor(work.module_input_size, plan.remove_degradation),
        "encode": ENCODE_S * relative_area,
        "diffuse": (calls * cfg_factor * NETWORK_CALL_S + guidance_s)
        * relative_area
        * _overlap_factor(work.size, plan.diffuse),
        "decode": DECODE_S * relative_area,
    }


def _overlap_factor(size: tuple[int, int], tile: int | None) -> float:
    """Returns how often each pixel is worked on: tiles overlap by half."""
    height, width = size
    if tile is None:
        return 1.0
    area = min(tile, height) * min(tile, width)
    return gaussian_blending.count(height, width, tile, tile // 2) * area / (height * width)


def estimated_s(
    settings: DiffBIRSettings,
    work: Workload,
    plan: Plan,
    unet_parameters: int,
    relative_cpu_time: float,
) -> float:
    """Estimates how long a picture takes on a CPU; see `relative_cpu_time`."""
    published_s = sum(seconds_by_phase(settings, work, plan).values())
    return published_s * unet_parameters / UNET_PARAMETERS * relative_cpu_time


def relative_cpu_time() -> float:
    """Measures how many times longer this CPU takes than the one that the figures are of."""
    left, right = torch.ones(MATRIX_SIDE, MATRIX_SIDE), torch.ones(MATRIX_SIDE, MATRIX_SIDE)
    shortest_s = float("inf")
    for _ in range(3):
        started = time.monotonic()
        torch.mm(left, right)
        shortest_s = min(shortest_s, time.monotonic() - started)
    return shortest_s / MATRIX_PRODUCT_S


def duration_warning(each_s: float, count: int = 1, *, faces: bool = False) -> str | None:
    """Says how long so many pictures will take together, where that is long."""
    expected_s = count * each_s
    if expected_s < SLOW_S:
        return None
    what = f"The {count} faces take" if faces and count > 1 else "This takes"
    minutes = math.ceil(expected_s / 60)
    duration = f"{minutes} minutes" if minutes < HOURS_FROM_MIN else f"{round(minutes / 60)} hours"
    return f"{what} about {duration} on this CPU; a GPU, or fewer steps, take less"
