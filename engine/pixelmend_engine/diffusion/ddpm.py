"""Samplers on some of DDPM's timesteps: with noise (`spaced`), or without (`ddim`)."""

import math

import numpy as np

from pixelmend.errors import BadRequest
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise
from pixelmend_engine.diffusion.sampler import Latent, SamplerOptions
from pixelmend_engine.diffusion.schedule import float32


def spaced(
    denoiser: Denoiser,
    x_T: Latent,
    steps: int,
    noise: Noise,
    options: SamplerOptions,
    /,
) -> Latent:
    """Draws from q(x_{k-1} | x_k, x_0) on evenly spaced timesteps.

    Source: DDPM, arXiv:2006.11239, eq. 7; spacing: arXiv:2102.09672, section 4.
    """
    timesteps = spaced_timesteps(steps, denoiser.schedule.steps)
    chain = denoiser.schedule.respaced(timesteps)
    coef_x0, coef_xt = float32(chain.posterior_mean_x0), float32(chain.posterior_mean_xt)
    deviations = float32(np.sqrt(chain.posterior_variance))
    x = x_T
    for k in reversed(range(steps)):
        t, alpha_bar = timesteps[k], float(chain.alpha_bar[k])
        x0 = _x0(denoiser, denoiser.output(x, t), x, alpha_bar)
        if options.guidance_fn is not None:
            x0 = options.guidance_fn(x0, t, coef_x0[k])
        eps = noise.draw(x)  # also where it is not used: draws are counted
        x = coef_x0[k] * x0 + coef_xt[k] * x
        if k > 0:
            x = x + deviations[k] * eps
    return x


def spaced_timesteps(steps: int, schedule_steps: int) -> list[int]:
    """Returns evenly spaced timesteps, from 0 to the last, as the published code rounds them.

    There are at least 2, as `DiffBIRSettings` sees to: one alone can't be both.
    """
    assert steps >= 2
    position, stride = 0.0, (schedule_steps - 1) / (steps - 1)
    timesteps: list[int] = []
    for _ in range(steps):
        timesteps.append(round(position))
        position += stride
    return timesteps


def ddim(
    denoiser: Denoiser,
    x_T: Latent,
    steps: int,
    noise: Noise,
    options: SamplerOptions,
    /,
) -> Latent:
    """Adds no noise; where the timesteps do not divide evenly, there is a step more.

    Source: Song et al., DDIM, arXiv:2010.02502, eq. 12 with eta 0.
    """
    alpha_bar = denoiser.schedule.alpha_bar
    timesteps = ddim_timesteps(steps, denoiser.schedule.steps)
    x = x_T
    for k in reversed(range(len(timesteps))):
        t = timesteps[k]
        alpha_bar_t = float(alpha_bar[t])
        alpha_bar_prev = float(alpha_bar[timesteps[k - 1]] if k > 0 else alpha_bar[0])
        output = denoiser.output(x, t)
        x0 = _x0(denoiser, output, x, alpha_bar_t)
        eps = output
        if denoiser.prediction == "v":
            eps = math.sqrt(alpha_bar_t) * output + math.sqrt(1 - alpha_bar_t) * x
        noise.draw(x)  # not used, but counted
        x = math.sqrt(alpha_bar_prev) * x0 + math.sqrt(1 - alpha_bar_prev) * eps
    return x


def ddim_timesteps(steps: int, schedule_steps: int) -> list[int]:
    """Returns DDIM's timesteps, in rising order.

    Raises:
        BadRequest: There are as many steps as timesteps: it counts from 1.
    """
    if steps >= schedule_steps:
        raise BadRequest(
            f"The sampler `ddim` takes less than {schedule_steps} steps", hint="Ask for less"
        )
    return list(range(1, schedule_steps, schedule_steps // steps))


def _x0(denoiser: Denoiser, output: Latent, x: Latent, alpha_bar: float) -> Latent:
    """Recovers x_0 from the network's output: DDPM, eq. 4; of v: arXiv:2202.00512, appendix D."""
    alpha, sigma = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
    if denoiser.prediction == "v":
        return alpha * x - sigma * output
    return (x - sigma * output) / alpha
