"""Samplers of k-diffusion, on x = x_0 + sigma eps, with DiffBIR's grid of sigmas.

Sources: Karras et al., EDM, arXiv:2206.00364; Liu et al., PNDM (linear multistep),
arXiv:2202.09778; Lu et al., DPM-Solver, arXiv:2206.00927, and DPM-Solver++, arXiv:2211.01095; and
`sampling.py` of github.com/crowsonkb/k-diffusion (MIT), whose names are used: `denoised` is
D(x; sigma), `d` the derivative (x - D) / sigma, `h` a step in -log(sigma), and `eta` says how much
noise is put back.

A sampler is a function that takes one step, from sigmas[i] to sigmas[i + 1]; `sampler` takes it
again and again. Where the next sigma is 0, each step is Euler's, which is exactly D.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise
from pixelmend_engine.diffusion.sampler import Latent, Sampler, SamplerOptions
from pixelmend_engine.diffusion.schedule import Schedule

FIRST_ALPHA_BAR = 1e-8  # stands for the first entry, in every schedule, as published: sigma 10 000
MAX_GAMMA = math.sqrt(2) - 1  # EDM, algorithm 2


@dataclass
class SamplerState:
    """What each step needs, and what is remembered from step to step."""

    denoiser: Denoiser
    noise: Noise
    options: SamplerOptions
    sigmas: list[float]  # one more than there are steps; the last is 0
    timesteps: list[int]
    history: list[Tensor] = field(default_factory=list[Tensor])  # latest first
    h_history: list[float] = field(default_factory=list[float])  # h of those steps

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.sigmas) - 1

    def denoise(self, x: Latent, sigma: float) -> Latent:
        """Returns D(x; sigma), at the timestep whose sigma is nearest."""
        nearest = int(np.abs(np.array(self.sigmas) - sigma).argmin())
        return self.denoiser.x0(x, self.timesteps[nearest], sigma)

    def derivative(self, x: Latent, sigma: float) -> Latent:
        """Returns d = (x - D) / sigma, as in EDM, algorithm 2."""
        return (x - self.denoise(x, sigma)) / sigma

    def remember(self, value: Tensor, h: float, count: int) -> None:
        """Keeps what later steps look back at, the last `count` of it."""
        self.history = [value, *self.history][:count]
        self.h_history = [h, *self.h_history][:count]


Step = Callable[[SamplerState, Latent, int], Latent]
"""Takes the state, x at sigmas[i], and i; returns x at sigmas[i + 1]."""


def sampler(step: Step) -> Sampler:
    """Makes a sampler of a step, which it takes as often as it is asked to."""

    def sample(
        denoiser: Denoiser,
        x_T: Latent,
        steps: int,
        noise: Noise,
        options: SamplerOptions,
        /,
    ) -> Latent:
        sigmas, timesteps = sigma_grid(denoiser.schedule, steps)
        state = SamplerState(denoiser, noise, options, sigmas, timesteps)
        x = x_T * math.sqrt(1 + sigmas[0] ** 2)
        for i in range(steps):
            x = step(state, x, i)
        return x

    return sample


def sigma_grid(schedule: Schedule, steps: int) -> tuple[list[float], list[int]]:
    """Returns the sigmas and timesteps of so many steps; both end with a 0."""
    timesteps = np.floor(np.linspace(schedule.steps - 1, 0, steps, endpoint=False)).astype(int)
    alpha_bar = schedule.alpha_bar[timesteps].astype(np.float32)
    alpha_bar[0] = FIRST_ALPHA_BAR
    sigmas = np.sqrt((1 - alpha_bar) / alpha_bar)
    return [*sigmas.tolist(), 0.0], [*timesteps.tolist(), 0]


# --- EDM: Euler, Heun, and DPM-Solver-2's midpoint, with churn ------------------------------------


@sampler
def euler(state: SamplerState, x: Latent, i: int) -> Latent:
    """Euler's method: EDM, algorithm 2, without its second-order correction."""
    sigma_next = state.sigmas[i + 1]
    x, sigma_hat = _add_churn(state, x, i)
    d = state.derivative(x, sigma_hat)
    return x + d * (sigma_next - sigma_hat)


@sampler
def heun(state: SamplerState, x: Latent, i: int) -> Latent:
    """Heun's method: EDM, algorithm 2."""
    sigma_next = state.sigmas[i + 1]
    x, sigma_hat = _add_churn(state, x, i)
    d = state.derivative(x, sigma_hat)
    if sigma_next > 0:
        x_2 = x + d * (sigma_next - sigma_hat)
        d_2 = state.derivative(x_2, sigma_next)
        d = (d + d_2) / 2
    return x + d * (sigma_next - sigma_hat)


@sampler
def dpm_2(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver-2 (arXiv:2206.00927, algorithm 1) with EDM's churn, as k-diffusion has it."""
    sigma_next = state.sigmas[i + 1]
    x, sigma_hat = _add_churn(state, x, i)
    d = state.derivative(x, sigma_hat)
    if sigma_next > 0:
        sigma_mid = math.sqrt(sigma_hat * sigma_next)
        x_2 = x + d * (sigma_mid - sigma_hat)
        d = state.derivative(x_2, sigma_mid)
    return x + d * (sigma_next - sigma_hat)


def _add_churn(state: SamplerState, x: Latent, i: int) -> tuple[Latent, float]:
    """Raises the noise to sigma_hat before a step, which then removes more: EDM, algorithm 2."""
    sigma, options = state.sigmas[i], state.options
    eps = state.noise.draw(x)  # also where it is not used: draws are counted
    if not options.s_tmin <= sigma <= options.s_tmax:
        return x, sigma
    gamma = min(options.s_churn / state.steps, MAX_GAMMA)
    sigma_hat = sigma * (1 + gamma)
    if sigma_hat > sigma:
        x = x + options.s_noise * math.sqrt(sigma_hat**2 - sigma**2) * eps
    return x, sigma_hat


# --- Ancestral samplers: a step goes further down, and noise brings it back up --------------------


@sampler
def euler_a(state: SamplerState, x: Latent, i: int) -> Latent:
    """Euler's method, ancestral (k-diffusion)."""
    sigma, sigma_next = state.sigmas[i : i + 2]
    sigma_down, sigma_up = _ancestral_step(sigma, sigma_next, state.options.eta)
    d = state.derivative(x, sigma)
    x = x + d * (sigma_down - sigma)
    return _add_ancestral_noise(state, x, i, sigma_up)


@sampler
def dpm_2_a(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver-2, ancestral (k-diffusion)."""
    sigma, sigma_next = state.sigmas[i : i + 2]
    sigma_down, sigma_up = _ancestral_step(sigma, sigma_next, state.options.eta)
    d = state.derivative(x, sigma)
    if sigma_down > 0:
        sigma_mid = math.sqrt(sigma * sigma_down)
        x_2 = x + d * (sigma_mid - sigma)
        d = state.derivative(x_2, sigma_mid)
    x = x + d * (sigma_down - sigma)
    return _add_ancestral_noise(state, x, i, sigma_up)


@sampler
def dpmpp_2s_a(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver++(2S) (arXiv:2211.01095, algorithm 1), ancestral (k-diffusion)."""
    sigma, sigma_next = state.sigmas[i : i + 2]
    sigma_down, sigma_up = _ancestral_step(sigma, sigma_next, state.options.eta)
    denoised = state.denoise(x, sigma)
    if sigma_down > 0:
        sigma_mid = math.sqrt(sigma * sigma_down)
        x_2 = _dpmpp_step(x, denoised, sigma, sigma_mid)
        denoised = state.denoise(x_2, sigma_mid)
    x = _dpmpp_step(x, denoised, sigma, sigma_down)
    return _add_ancestral_noise(state, x, i, sigma_up)


def _ancestral_step(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """Returns how far down a step goes, and how much noise brings it back up to sigma_next."""
    # In float32, as published: from sigma 10 000 few digits of the difference are left, and later
    # steps depend on them.
    start, stop = np.float32(sigma), np.float32(sigma_next)
    sigma_up = min(stop, np.float32(eta) * np.sqrt(stop**2 * (start**2 - stop**2) / start**2))
    return float(np.sqrt(stop**2 - sigma_up**2)), float(sigma_up)


def _add_ancestral_noise(state: SamplerState, x: Latent, i: int, sigma_up: float) -> Latent:
    if state.sigmas[i + 1] > 0:
        x = x + state.noise.draw(x) * state.options.s_noise * sigma_up
    return x


def _dpmpp_step(x: Latent, denoised: Latent, sigma: float, sigma_next: float) -> Latent:
    """DPM-Solver++ of first order: e^-h x - (e^-h - 1) D, with h = log(sigma / sigma_next)."""
    ratio = sigma_next / sigma
    return ratio * x + (1 - ratio) * denoised


# --- Multistep: earlier steps make the next one more exact ----------------------------------------


@sampler
def lms(state: SamplerState, x: Latent, i: int) -> Latent:
    """The linear multistep method of Adams and Bashforth, on the grid of sigmas (k-diffusion)."""
    state.remember(state.derivative(x, state.sigmas[i]), 0.0, state.options.order)
    order = len(state.history)
    for j, d in enumerate(state.history):
        x = x + _lms_coefficient(state.sigmas, i, j, order) * d
    return x


def _lms_coefficient(sigmas: list[float], i: int, j: int, order: int) -> float:
    """Integrates, over the step, the Lagrange polynomial that is 1 at sigmas[i - j]."""
    nodes = [sigmas[i - k] for k in range(order) if k != j]
    basis = np.poly1d(nodes, r=True) / math.prod(sigmas[i - j] - node for node in nodes)
    integral = basis.integ()
    return float(integral(sigmas[i + 1]) - integral(sigmas[i]))


@sampler
def dpmpp_2m(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver++(2M): arXiv:2211.01095, algorithm 2."""
    sigma, sigma_next = state.sigmas[i : i + 2]
    denoised = denoised_d = state.denoise(x, sigma)
    h = math.inf
    if sigma_next > 0:
        h = math.log(sigma / sigma_next)
        if state.history:
            inverse_2r = h / (2 * state.h_history[0])
            denoised_d = (1 + inverse_2r) * denoised - inverse_2r * state.history[0]
    state.remember(denoised, h, 1)
    return _dpmpp_step(x, denoised_d, sigma, sigma_next)


# --- DPM-Solver++ as a stochastic differential equation, by k-diffusion ---------------------------


@sampler
def dpmpp_sde(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver++(2S) with noise at its midpoint and its end (k-diffusion)."""
    (sigma, sigma_next), options = state.sigmas[i : i + 2], state.options
    denoised = state.denoise(x, sigma)
    if sigma_next == 0:
        return denoised
    sigma_mid = math.sqrt(sigma * sigma_next)
    sigma_down, sigma_up = _ancestral_step(sigma, sigma_mid, options.eta)
    x_2 = _dpmpp_step(x, denoised, sigma, sigma_down)
    x_2 = x_2 + state.noise.brownian(x, sigma, sigma_mid) * options.s_noise * sigma_up
    denoised_2 = state.denoise(x_2, sigma_mid)
    sigma_down, sigma_up = _ancestral_step(sigma, sigma_next, options.eta)
    x = _dpmpp_step(x, denoised_2, sigma, sigma_down)
    return x + state.noise.brownian(x, sigma, sigma_next) * options.s_noise * sigma_up


@sampler
def dpmpp_2m_sde(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver++(2M) with noise (k-diffusion, `solver_type="midpoint"`)."""
    (sigma, sigma_next), eta = state.sigmas[i : i + 2], state.options.eta
    denoised = state.denoise(x, sigma)
    if sigma_next == 0:
        return denoised
    h = math.log(sigma / sigma_next)
    gain = -math.expm1(-h * (1 + eta))
    x = sigma_next / sigma * math.exp(-eta * h) * x + gain * denoised
    if state.history:
        inverse_r = h / state.h_history[0]
        x = x + 0.5 * gain * inverse_r * (denoised - state.history[0])
    state.remember(denoised, h, 1)
    return _add_sde_noise(state, x, sigma, sigma_next, h)


@sampler
def dpmpp_3m_sde(state: SamplerState, x: Latent, i: int) -> Latent:
    """DPM-Solver++(3M) with noise (k-diffusion)."""
    sigma, sigma_next = state.sigmas[i : i + 2]
    denoised = state.denoise(x, sigma)
    if sigma_next == 0:
        return denoised
    h = math.log(sigma / sigma_next)
    h_eta = h * (1 + state.options.eta)
    x = math.exp(-h_eta) * x - math.expm1(-h_eta) * denoised
    phi_2 = math.expm1(-h_eta) / h_eta + 1
    phi_3 = phi_2 / h_eta - 0.5
    if state.history:
        r0 = state.h_history[0] / h
        d1 = d1_0 = (denoised - state.history[0]) / r0
        if len(state.history) > 1:
            r1 = state.h_history[1] / h
            d1_1 = (state.history[0] - state.history[1]) / r1
            d1 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1)
            x = x - phi_3 * (d1_0 - d1_1) / (r0 + r1)
        x = x + phi_2 * d1
    state.remember(denoised, h, 2)
    return _add_sde_noise(state, x, sigma, sigma_next, h)


def _add_sde_noise(
    state: SamplerState, x: Latent, sigma: float, sigma_next: float, h: float
) -> Latent:
    eta, s_noise = state.options.eta, state.options.s_noise
    if not eta:
        return x
    deviation = sigma_next * math.sqrt(-math.expm1(-2 * eta * h)) * s_noise
    return x + state.noise.brownian(x, sigma, sigma_next) * deviation
