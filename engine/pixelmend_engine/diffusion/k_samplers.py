"""Samplers of the k-diffusion family, on x = x_0 + sigma eps, with DiffBIR's grid of sigmas.

Sources: Karras et al., EDM, arXiv:2206.00364; Liu et al., linear multistep, arXiv:2202.09778; Lu et
al., DPM-Solver(++), arXiv:2206.00927, arXiv:2211.01095. Names of variables are theirs: `d` is the
slope (x - D) / sigma, `h` a step in -log(sigma). Where x_0 alone is left (sigma 0), each step is
Euler's, which is exactly D.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise
from pixelmend_engine.diffusion.sampler import Knobs, Latent, Report, Walk
from pixelmend_engine.diffusion.schedule import Schedule

FIRST_ALPHA_BAR = 1e-8  # stands for the first entry, in every schedule, as published: sigma 10 000
MOST_CHURN = math.sqrt(2) - 1


@dataclass
class Walker:
    """One walk: what each step needs, and what is remembered from step to step."""

    denoiser: Denoiser
    noise: Noise
    knobs: Knobs
    sigmas: list[float]  # one more than there are steps; the last is 0
    timesteps: list[int]
    history: list[Tensor] = field(default_factory=list[Tensor])  # latest first
    lengths: list[float] = field(default_factory=list[float])  # of the steps, latest first

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.sigmas) - 1

    def denoise(self, x: Latent, sigma: float) -> Latent:
        """Returns D(x; sigma), at the timestep whose sigma is nearest."""
        place = int(np.abs(np.array(self.sigmas) - sigma).argmin())
        return self.denoiser.x0(x, self.timesteps[place], sigma)

    def slope(self, x: Latent, sigma: float) -> Latent:
        """Returns d."""
        return (x - self.denoise(x, sigma)) / sigma

    def remember(self, value: Tensor, length: float, count: int) -> None:
        """Keeps what later steps look back at."""
        self.history = [value, *self.history][:count]
        self.lengths = [length, *self.lengths][:count]


Step = Callable[[Walker, Latent, int], Latent]
"""One step of a walk: from sigmas[i] to sigmas[i + 1]."""


def grid(schedule: Schedule, steps: int) -> tuple[list[float], list[int]]:
    """Returns the sigmas and timesteps of a walk; both end with a 0."""
    timesteps = np.floor(np.linspace(schedule.steps - 1, 0, steps, endpoint=False)).astype(int)
    alpha_bar = schedule.alpha_bar[timesteps].astype(np.float32)
    alpha_bar[0] = FIRST_ALPHA_BAR
    sigmas = np.sqrt((1 - alpha_bar) / alpha_bar)
    return [*sigmas.tolist(), 0.0], [*timesteps.tolist(), 0]


def walk(step: Step) -> Walk:
    """Makes a sampler of a step, which it takes as often as it is asked to."""

    def walk_in_steps(
        denoiser: Denoiser, x_T: Latent, steps: int, noise: Noise, knobs: Knobs, report: Report, /
    ) -> Latent:
        sigmas, timesteps = grid(denoiser.schedule, steps)
        walker = Walker(denoiser, noise, knobs, sigmas, timesteps)
        x = x_T * math.sqrt(1 + sigmas[0] ** 2)
        for i in range(steps):
            x = step(walker, x, i)
            report(i + 1, steps)
        return x

    return walk_in_steps


def _euler(w: Walker, x: Latent, i: int) -> Latent:
    x, sigma = _churned(w, x, i)
    return x + w.slope(x, sigma) * (w.sigmas[i + 1] - sigma)


def _heun(w: Walker, x: Latent, i: int) -> Latent:
    x, sigma = _churned(w, x, i)
    tau = w.sigmas[i + 1]
    d = w.slope(x, sigma)
    if tau > 0:
        d = (d + w.slope(x + d * (tau - sigma), tau)) / 2
    return x + d * (tau - sigma)


def _dpm_2(w: Walker, x: Latent, i: int) -> Latent:
    x, sigma = _churned(w, x, i)
    tau = w.sigmas[i + 1]
    d = w.slope(x, sigma)
    if tau > 0:
        middle = math.sqrt(sigma * tau)
        d = w.slope(x + d * (middle - sigma), middle)
    return x + d * (tau - sigma)


def _churned(w: Walker, x: Latent, i: int) -> tuple[Latent, float]:
    # EDM, algorithm 2: some noise is added before the step, and walked off again.
    sigma, knobs = w.sigmas[i], w.knobs
    fresh = w.noise.draw(x)
    if not knobs.churn_from <= sigma <= knobs.churn_to:
        return x, sigma
    raised = sigma * (1 + min(knobs.churn / w.steps, MOST_CHURN))
    if raised > sigma:
        x = x + knobs.noise_scale * math.sqrt(raised**2 - sigma**2) * fresh
    return x, raised


def _euler_a(w: Walker, x: Latent, i: int) -> Latent:
    down, up = _split(w.sigmas[i], w.sigmas[i + 1], w.knobs.eta)
    x = x + w.slope(x, w.sigmas[i]) * (down - w.sigmas[i])
    return _stirred(w, x, i, up)


def _dpm_2_a(w: Walker, x: Latent, i: int) -> Latent:
    sigma = w.sigmas[i]
    down, up = _split(sigma, w.sigmas[i + 1], w.knobs.eta)
    d = w.slope(x, sigma)
    if down > 0:
        middle = math.sqrt(sigma * down)
        d = w.slope(x + d * (middle - sigma), middle)
    return _stirred(w, x + d * (down - sigma), i, up)


def _dpmpp_2s_a(w: Walker, x: Latent, i: int) -> Latent:
    sigma = w.sigmas[i]
    down, up = _split(sigma, w.sigmas[i + 1], w.knobs.eta)
    denoised = w.denoise(x, sigma)
    if down > 0:
        middle = math.sqrt(sigma * down)
        denoised = w.denoise(_toward(x, denoised, sigma, middle), middle)
    return _stirred(w, _toward(x, denoised, sigma, down), i, up)


def _stirred(w: Walker, x: Latent, i: int, up: float) -> Latent:
    if w.sigmas[i + 1] > 0:
        x = x + w.noise.draw(x) * w.knobs.noise_scale * up
    return x


def _split(sigma: float, tau: float, eta: float) -> tuple[float, float]:
    # How far down a step goes, and how much noise brings it back up to tau. In float32, as
    # published: from sigma 10 000 few digits of the difference are left, and later steps feel them.
    start, stop = np.float32(sigma), np.float32(tau)
    up = min(stop, np.float32(eta) * np.sqrt(stop**2 * (start**2 - stop**2) / start**2))
    return float(np.sqrt(stop**2 - up**2)), float(up)


def _toward(x: Latent, denoised: Latent, sigma: float, tau: float) -> Latent:
    # With h = log(sigma / tau): e^-h x - (e^-h - 1) D.
    share = tau / sigma
    return share * x + (1 - share) * denoised


def _dpmpp_sde(w: Walker, x: Latent, i: int) -> Latent:
    sigma, tau = w.sigmas[i], w.sigmas[i + 1]
    denoised = w.denoise(x, sigma)
    if tau == 0:
        return denoised
    middle = math.sqrt(sigma * tau)
    down, up = _split(sigma, middle, w.knobs.eta)
    half = _toward(x, denoised, sigma, down)
    half = half + w.noise.along(x, sigma, middle) * w.knobs.noise_scale * up
    denoised = w.denoise(half, middle)
    down, up = _split(sigma, tau, w.knobs.eta)
    x = _toward(x, denoised, sigma, down)
    return x + w.noise.along(x, sigma, tau) * w.knobs.noise_scale * up


def _lms(w: Walker, x: Latent, i: int) -> Latent:
    w.remember(w.slope(x, w.sigmas[i]), 0.0, w.knobs.order)
    for j, d in enumerate(w.history):
        x = x + _lagrange(w.sigmas, i, j, len(w.history)) * d
    return x


def _lagrange(sigmas: list[float], i: int, j: int, order: int) -> float:
    # The integral, over the step, of the polynomial that is 1 at sigmas[i - j].
    nodes = [sigmas[i - k] for k in range(order) if k != j]
    basis = np.poly1d(nodes, r=True) / math.prod(sigmas[i - j] - node for node in nodes)
    whole = basis.integ()
    return float(whole(sigmas[i + 1]) - whole(sigmas[i]))


def _dpmpp_2m(w: Walker, x: Latent, i: int) -> Latent:
    sigma, tau = w.sigmas[i], w.sigmas[i + 1]
    denoised = w.denoise(x, sigma)
    direction, h = denoised, math.inf
    if tau > 0:
        h = math.log(sigma / tau)
        if w.history:
            share = h / (2 * w.lengths[0])
            direction = (1 + share) * denoised - share * w.history[0]
    w.remember(denoised, h, 1)
    return _toward(x, direction, sigma, tau)


def _dpmpp_2m_sde(w: Walker, x: Latent, i: int) -> Latent:
    sigma, tau, eta = w.sigmas[i], w.sigmas[i + 1], w.knobs.eta
    denoised = w.denoise(x, sigma)
    if tau == 0:
        return denoised
    h = math.log(sigma / tau)
    share = -math.expm1(-h * (1 + eta))
    y = tau / sigma * math.exp(-eta * h) * x + share * denoised
    if w.history:
        y = y + 0.5 * share * (h / w.lengths[0]) * (denoised - w.history[0])
    w.remember(denoised, h, 1)
    return _shaken(w, y, sigma, tau, h)


def _dpmpp_3m_sde(w: Walker, x: Latent, i: int) -> Latent:
    sigma, tau = w.sigmas[i], w.sigmas[i + 1]
    denoised = w.denoise(x, sigma)
    if tau == 0:
        return denoised
    h = math.log(sigma / tau)
    longer = h * (1 + w.knobs.eta)
    y = math.exp(-longer) * x - math.expm1(-longer) * denoised
    phi_2 = math.expm1(-longer) / longer + 1
    phi_3 = phi_2 / longer - 0.5
    if w.history:
        r0 = w.lengths[0] / h
        d1 = (denoised - w.history[0]) / r0
        if len(w.history) > 1:
            r1 = w.lengths[1] / h
            d11 = (w.history[0] - w.history[1]) / r1
            y = y - phi_3 * (d1 - d11) / (r0 + r1)
            d1 = d1 + (d1 - d11) * r0 / (r0 + r1)
        y = y + phi_2 * d1
    w.remember(denoised, h, 2)
    return _shaken(w, y, sigma, tau, h)


def _shaken(w: Walker, x: Latent, sigma: float, tau: float, h: float) -> Latent:
    if not w.knobs.eta:
        return x
    size = tau * math.sqrt(-math.expm1(-2 * w.knobs.eta * h)) * w.knobs.noise_scale
    return x + w.noise.along(x, sigma, tau) * size


euler, heun, dpm_2 = walk(_euler), walk(_heun), walk(_dpm_2)
euler_a, dpm_2_a, dpmpp_2s_a = walk(_euler_a), walk(_dpm_2_a), walk(_dpmpp_2s_a)
lms, dpmpp_2m = walk(_lms), walk(_dpmpp_2m)
dpmpp_sde, dpmpp_2m_sde, dpmpp_3m_sde = walk(_dpmpp_sde), walk(_dpmpp_2m_sde), walk(_dpmpp_3m_sde)
