"""Every sampler of latents, by its published name."""

from collections.abc import Callable
from dataclasses import dataclass

from pixelmend_engine.diffusion import ddpm, dpm_solver, k_samplers
from pixelmend_engine.diffusion.sampler import Sampler


def _one_per_step(steps: int) -> int:
    return steps


def _two_per_step(steps: int) -> int:
    return 2 * steps - 1  # the last step is Euler's


def _ddim(steps: int) -> int:
    return len(ddpm.ddim_timesteps(steps, 1000))


@dataclass(frozen=True)
class SamplerEntry:
    """A sampler, and how often it evaluates the network for so many steps."""

    sample: Sampler
    evaluations: Callable[[int], int] = _one_per_step


SAMPLERS = {
    "spaced": SamplerEntry(ddpm.spaced),
    "ddim": SamplerEntry(ddpm.ddim, _ddim),
    "dpm++_m2": SamplerEntry(dpm_solver.dpmpp_2m_continuous),
    "edm_euler": SamplerEntry(k_samplers.euler),
    "edm_euler_a": SamplerEntry(k_samplers.euler_a),
    "edm_heun": SamplerEntry(k_samplers.heun, _two_per_step),
    "edm_dpm_2": SamplerEntry(k_samplers.dpm_2, _two_per_step),
    "edm_dpm_2_a": SamplerEntry(k_samplers.dpm_2_a, _two_per_step),
    "edm_lms": SamplerEntry(k_samplers.lms),
    "edm_dpm++_2s_a": SamplerEntry(k_samplers.dpmpp_2s_a, _two_per_step),
    "edm_dpm++_sde": SamplerEntry(k_samplers.dpmpp_sde, _two_per_step),
    "edm_dpm++_2m": SamplerEntry(k_samplers.dpmpp_2m),
    "edm_dpm++_2m_sde": SamplerEntry(k_samplers.dpmpp_2m_sde),
    "edm_dpm++_3m_sde": SamplerEntry(k_samplers.dpmpp_3m_sde),
}
