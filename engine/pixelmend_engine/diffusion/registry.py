"""Every sampler of latents, by its published name."""

from collections.abc import Callable
from dataclasses import dataclass

from pixelmend_engine.diffusion import ddpm, dpm_solver, k_samplers
from pixelmend_engine.diffusion.sampler import Walk


def _once(steps: int) -> int:
    return steps


def _twice(steps: int) -> int:
    return 2 * steps - 1  # the last step is Euler's


def _ddim(steps: int) -> int:
    return len(ddpm.ddim_timesteps(steps, 1000))


@dataclass(frozen=True)
class Sampler:
    """A walk, and how often it asks the network."""

    walk: Walk
    evaluations: Callable[[int], int] = _once


SAMPLERS = {
    "spaced": Sampler(ddpm.spaced),
    "ddim": Sampler(ddpm.ddim, _ddim),
    "dpm++_m2": Sampler(dpm_solver.dpm_2m),
    "edm_euler": Sampler(k_samplers.euler),
    "edm_euler_a": Sampler(k_samplers.euler_a),
    "edm_heun": Sampler(k_samplers.heun, _twice),
    "edm_dpm_2": Sampler(k_samplers.dpm_2, _twice),
    "edm_dpm_2_a": Sampler(k_samplers.dpm_2_a, _twice),
    "edm_lms": Sampler(k_samplers.lms),
    "edm_dpm++_2s_a": Sampler(k_samplers.dpmpp_2s_a, _twice),
    "edm_dpm++_sde": Sampler(k_samplers.dpmpp_sde, _twice),
    "edm_dpm++_2m": Sampler(k_samplers.dpmpp_2m),
    "edm_dpm++_2m_sde": Sampler(k_samplers.dpmpp_2m_sde),
    "edm_dpm++_3m_sde": Sampler(k_samplers.dpmpp_3m_sde),
}
