"""How long DiffBIR takes, part by part: for an even progress, and to tell it before it begins.

Figures are from `tests/bench/diffbir.py` (docs/performance.md), for the published sizes.
"""

import math
from collections.abc import Mapping

from pixelmend_engine.catalog.diffbir import Cleaner
from pixelmend_engine.catalog.diffbir_settings import Wish
from pixelmend_engine.diffusion.registry import SAMPLERS
from pixelmend_engine.models.diffbir.memory_plan import Plan, Work
from pixelmend_engine.nn import gaussian_tiles

# Seconds for 512 x 512 pixels in float32 on two CPU cores.
CLEAN_S: Mapping[Cleaner, float] = {
    "swinir": 1.1,
    "swinir_face": 1.1,
    "bsrnet": 50.0,  # of its input
    "scunet": 11.0,
}
DESCRIBE_S = 0.6
ENCODE_S = 5.0
CALL_S = 6.0  # one call of the diffusion networks, one branch
DECODE_S = 10.0
STEER_S = 30.0  # the decoder there and back
TIMED_PIXELS = 512 * 512
UNET_PARAMETERS = 865_910_724  # of the published size, which was timed
GUIDED_TIME = 2.0  # of a call with both branches, over one with one
SLOW_S = 60.0  # longer than this is told beforehand
HOURS_FROM_MIN = 100


def shares(wish: Wish, work: Work, made: Plan) -> dict[str, float]:
    """Returns the seconds of each phase for one picture, in the order of the phases."""
    calls = SAMPLERS[wish.sampler].evaluations(wish.steps)
    guided = 1.0 if wish.cfg_scale == 1 else GUIDED_TIME
    steering = wish.steps * STEER_S if wish.fidelity else 0.0
    pixels = math.prod(work.pixels) / TIMED_PIXELS
    seen = math.prod(work.cleaner_pixels) / TIMED_PIXELS
    return {
        "describe": DESCRIBE_S,
        "clean": CLEAN_S[work.cleaner] * seen * _overlap(work.cleaner_pixels, made.clean),
        "encode": ENCODE_S * pixels,
        "diffuse": (calls * guided * CALL_S + steering)
        * pixels
        * _overlap(work.pixels, made.diffuse),
        "decode": DECODE_S * pixels,
    }


def _overlap(size: tuple[int, int], tile: int | None) -> float:
    """Returns how often each pixel is worked on: tiles overlap by half."""
    height, width = size
    if tile is None:
        return 1.0
    area = min(tile, height) * min(tile, width)
    return gaussian_tiles.count(height, width, tile, tile // 2) * area / (height * width)


def seconds(wish: Wish, work: Work, made: Plan, parameters: int, pace: float) -> float:
    """Estimates how long a picture takes on a CPU.

    `parameters` are those of the U-Net; `pace` is how many times longer this CPU takes than the one
    that was timed.
    """
    return sum(shares(wish, work, made).values()) * parameters / UNET_PARAMETERS * pace


def forecast(expected_s: float, faces: int = 1) -> str | None:
    """Says how long it will take, where that is long; of several faces, how long all of them."""
    if expected_s < SLOW_S:
        return None
    what = "This takes" if faces == 1 else f"The {faces} faces take"
    minutes = math.ceil(expected_s / 60)
    time = f"{minutes} minutes" if minutes < HOURS_FROM_MIN else f"{round(minutes / 60)} hours"
    return f"{what} about {time} on this CPU; a GPU, or fewer steps, take less"
