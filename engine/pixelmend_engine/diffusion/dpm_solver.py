"""DPM-Solver++ of second order, over several steps, in continuous time.

Source: Lu et al., DPM-Solver++, arXiv:2211.01095, algorithm 2. Time is discretized as the published
code of DiffBIR does.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float32

from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise
from pixelmend_engine.diffusion.sampler import Latent, SamplerOptions
from pixelmend_engine.diffusion.schedule import Schedule

MIN_LAMBDA = -5.1  # noisier entries of the schedule are left out, as published
FIRST_ORDER_BELOW = 10  # steps: then the last one is of first order


def dpmpp_2m_continuous(
    denoiser: Denoiser,
    x_T: Latent,
    steps: int,
    noise: Noise,
    options: SamplerOptions,
    /,
) -> Latent:
    """Adds no noise; each step but the first looks back at the one before it.

    From time s to t: x_t = sigma_t / sigma_s x_s - alpha_t (e^-h - 1) D, with h = lambda_t -
    lambda_s and lambda = log(alpha / sigma).
    """
    schedule = ContinuousSchedule.from_discrete(denoiser.schedule)
    times = schedule.times(steps)
    x, x0_prev, h_prev = x_T, x_T, 0.0
    for step, (s, t) in enumerate(pairwise(times)):
        (log_alpha_s, sigma_s), (log_alpha_t, sigma_t) = schedule.at(s), schedule.at(t)
        alpha_s, alpha_t = math.exp(log_alpha_s), math.exp(log_alpha_t)
        timestep = (s - 1 / schedule.entries) * denoiser.schedule.steps
        x0 = (x - sigma_s * denoiser.epsilon(x, timestep, alpha_s, sigma_s)) / alpha_s
        h = (log_alpha_t - math.log(sigma_t)) - (log_alpha_s - math.log(sigma_s))
        denoised = x0
        if step > 0 and not (step == steps - 1 and steps < FIRST_ORDER_BELOW):
            denoised = x0 + h / (2 * h_prev) * (x0 - x0_prev)
        x = sigma_t / sigma_s * x - alpha_t * math.expm1(-h) * denoised
        x0_prev, h_prev = x0, h
    return x


@dataclass(frozen=True)
class ContinuousSchedule:
    """A schedule's log(alpha), as a function of a time from 0 to 1."""

    log_alphas: Float32[np.ndarray, " t"]

    @classmethod
    def from_discrete(cls, schedule: Schedule) -> "ContinuousSchedule":
        """Takes a discrete schedule's entries, as far as their signal is not lost in noise."""
        with np.errstate(divide="ignore"):
            logs = 0.5 * np.cumsum(np.log((1 - schedule.betas).astype(np.float32)))
            lambdas = logs - 0.5 * np.log(1 - np.exp(2 * logs))
        return cls(logs[: int((lambdas >= MIN_LAMBDA).sum())].astype(np.float32))

    @property
    def entries(self) -> int:
        """How many entries are left."""
        return len(self.log_alphas)

    def times(self, steps: int) -> list[float]:
        """Returns the times of so many steps, from noise down."""
        return np.linspace(1.0, 1.0 / self.entries, steps + 1).tolist()

    def at(self, t: float) -> tuple[float, float]:
        """Returns log(alpha) and sigma at a time."""
        log_alpha = self.log_alpha(t)
        return log_alpha, math.sqrt(-math.expm1(2 * log_alpha))

    def log_alpha(self, t: float) -> float:
        """Returns log(alpha) at a time."""
        knots = np.arange(1, self.entries + 1) / self.entries
        return float(np.interp(t, knots, self.log_alphas))
