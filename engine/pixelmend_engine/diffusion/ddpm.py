"""Samplers that walk some of the timesteps of DDPM: with noise (`spaced`), or without (`ddim`)."""

import math

import numpy as np

from pixelmend.errors import BadRequest
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise
from pixelmend_engine.diffusion.sampler import Knobs, Latent, Report
from pixelmend_engine.diffusion.schedule import float32


def spaced(
    denoiser: Denoiser, x_T: Latent, steps: int, noise: Noise, knobs: Knobs, report: Report, /
) -> Latent:
    """Draws from q(x_{k-1} | x_k, x_0) on evenly spaced timesteps.

    Source: DDPM, arXiv:2006.11239, eq. 7; spacing: arXiv:2102.09672, section 4.
    """
    timesteps = spaced_timesteps(steps, denoiser.schedule.steps)
    chain = denoiser.schedule.respaced(timesteps)
    weights_x0, weights_x = float32(chain.posterior_mean_x0), float32(chain.posterior_mean_xt)
    deviations = float32(np.sqrt(chain.posterior_variance))
    x = x_T
    for k in reversed(range(steps)):
        x0 = _x0(denoiser, denoiser.output(x, timesteps[k]), x, float(chain.alpha_bar[k]))
        if knobs.steer is not None:
            x0 = knobs.steer(x0, timesteps[k], weights_x0[k])
        fresh = noise.draw(x)  # also where it is not used: draws are counted
        x = weights_x0[k] * x0 + weights_x[k] * x
        if k > 0:
            x = x + deviations[k] * fresh
        report(steps - k, steps)
    return x


def spaced_timesteps(steps: int, last: int) -> list[int]:
    """Returns evenly spaced timesteps, from 0 to the last, as the published code rounds them.

    Raises:
        BadRequest: There is one step, which can't be both.
    """
    if steps < 2:
        raise BadRequest("The sampler `spaced` needs at least 2 steps", hint="Ask for more steps")
    place, stride = 0.0, (last - 1) / (steps - 1)
    timesteps: list[int] = []
    for _ in range(steps):
        timesteps.append(round(place))
        place += stride
    return timesteps


def ddim(
    denoiser: Denoiser, x_T: Latent, steps: int, noise: Noise, knobs: Knobs, report: Report, /
) -> Latent:
    """Walks without noise; where the timesteps do not divide evenly, there is a step more.

    Source: Song et al., DDIM, arXiv:2010.02502, eq. 12 with eta 0.
    """
    alpha_bar = denoiser.schedule.alpha_bar
    timesteps = ddim_timesteps(steps, denoiser.schedule.steps)
    x = x_T
    for k in reversed(range(len(timesteps))):
        now = float(alpha_bar[timesteps[k]])
        before = float(alpha_bar[timesteps[k - 1]] if k > 0 else alpha_bar[0])
        output = denoiser.output(x, timesteps[k])
        x0 = _x0(denoiser, output, x, now)
        epsilon = output
        if denoiser.prediction == "v":
            epsilon = math.sqrt(now) * output + math.sqrt(1 - now) * x
        noise.draw(x)  # not used, but counted
        x = math.sqrt(before) * x0 + math.sqrt(1 - before) * epsilon
        report(len(timesteps) - k, len(timesteps))
    return x


def ddim_timesteps(steps: int, last: int) -> list[int]:
    """Returns the timesteps that DDIM walks, in rising order.

    Raises:
        BadRequest: There are as many steps as timesteps: it counts from 1.
    """
    if steps >= last:
        raise BadRequest(f"The sampler `ddim` takes less than {last} steps", hint="Ask for less")
    return list(range(1, last, last // steps))


def _x0(denoiser: Denoiser, output: Latent, x: Latent, alpha_bar: float) -> Latent:
    alpha, sigma = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
    if denoiser.prediction == "v":
        return alpha * x - sigma * output
    return (x - sigma * output) / alpha
