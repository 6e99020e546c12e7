"""How long DiffBIR takes, part by part: for an even progress, and to tell it before it begins.

Figures come from one run of `tests/bench/diffbir.py` on a busy machine (docs/performance.md),
scaled by the share of the cores that it got: they are right to a factor of two, about.
"""

import math

from pixelmend_engine.catalog.diffbir_wish import Wish
from pixelmend_engine.diffusion.walkers import SAMPLERS
from pixelmend_engine.models.diffbir_plan import PHASES

TIMES = {  # seconds for 512 x 512 pixels in float32 on two CPU cores
    "clean": 10.0,
    "describe": 2.0,
    "encode": 6.0,
    "diffuse": 12.0,  # one call, one branch
    "decode": 20.0,
    "steer": 60.0,  # not measured: the decoder there and back
}
TIMED_PIXELS = 512 * 512
UNET_PARAMETERS = 865_910_724  # of the published size, which was timed
GUIDED_TIME = 2.0  # of a call with both branches, over one with one
SLOW_S = 60.0  # longer than this is told beforehand


def shares(wish: Wish) -> dict[str, float]:
    """Returns the seconds of each phase for a picture of the size that was timed."""
    calls = SAMPLERS[wish.sampler].evaluations(wish.steps)
    guided = 1.0 if wish.cfg_scale == 1 else GUIDED_TIME
    diffuse = calls * guided * TIMES["diffuse"]
    steering = wish.steps * TIMES["steer"] if wish.fidelity else 0.0
    return {**{name: TIMES[name] for name in PHASES}, "diffuse": diffuse + steering}


def seconds(wish: Wish, pixels: int, parameters: int, pace: float) -> float:
    """Estimates how long a picture takes on a CPU.

    `pixels` are those that are diffused, `parameters` those of the U-Net; `pace` is how many times
    longer this CPU takes than the one that was timed.
    """
    size = pixels / TIMED_PIXELS * parameters / UNET_PARAMETERS
    return sum(shares(wish).values()) * size * pace


def forecast(expected_s: float, faces: int = 1) -> str | None:
    """Says how long it will take, where that is long; of several faces, how long all of them."""
    if expected_s < SLOW_S:
        return None
    what = "This takes" if faces == 1 else f"The {faces} faces take"
    minutes = math.ceil(expected_s / 60)
    return f"{what} about {minutes} minutes on this CPU; a GPU, or fewer --steps, take less"
