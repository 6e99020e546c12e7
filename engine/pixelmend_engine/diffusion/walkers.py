"""Every sampler of latents, by its published name."""

from collections.abc import Callable
from dataclasses import dataclass

from pixelmend_engine.diffusion import dpm_solver, edm, spaced
from pixelmend_engine.diffusion.walks import Walk


def _once(steps: int) -> int:
    return steps


def _twice(steps: int) -> int:
    return 2 * steps - 1  # the last step is Euler's


def _ddim(steps: int) -> int:
    return len(spaced.ddim_timesteps(steps, 1000))


@dataclass(frozen=True)
class Sampler:
    """A walk, and how often it asks the network."""

    walk: Walk
    evaluations: Callable[[int], int] = _once


SAMPLERS = {
    "spaced": Sampler(spaced.spaced),
    "ddim": Sampler(spaced.ddim, _ddim),
    "dpm++_m2": Sampler(dpm_solver.dpm_2m),
    "edm_euler": Sampler(edm.euler),
    "edm_euler_a": Sampler(edm.euler_a),
    "edm_heun": Sampler(edm.heun, _twice),
    "edm_dpm_2": Sampler(edm.dpm_2, _twice),
    "edm_dpm_2_a": Sampler(edm.dpm_2_a, _twice),
    "edm_lms": Sampler(edm.lms),
    "edm_dpm++_2s_a": Sampler(edm.dpmpp_2s_a, _twice),
    "edm_dpm++_sde": Sampler(edm.dpmpp_sde, _twice),
    "edm_dpm++_2m": Sampler(edm.dpmpp_2m),
    "edm_dpm++_2m_sde": Sampler(edm.dpmpp_2m_sde),
    "edm_dpm++_3m_sde": Sampler(edm.dpmpp_3m_sde),
}
