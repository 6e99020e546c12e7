"""What all samplers of latents have in common: their signature, and what can be set."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise

Latent = Float[Tensor, "b c h w"]
Report = Callable[[int, int], None]
Steer = Callable[[Latent, int, float], Latent]
"""Changes an estimate of x_0 at a timestep; the float is its weight in the posterior mean."""


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """What some samplers can be told; each knows its own of them."""

    eta: float = 1.0  # how much noise is put back; 0: none
    order: int = 1  # of the linear multistep method
    churn: float = 0.0  # noise added before steps, over all of them
    churn_from: float = 0.0  # sigma
    churn_to: float = 300.0
    noise_scale: float = 1.0
    steer: Steer | None = None


@runtime_checkable
class Walk(Protocol):
    """A sampler: a function that walks from noise to a latent."""

    def __call__(
        self,
        denoiser: Denoiser,
        x_T: Latent,
        steps: int,
        noise: Noise,
        knobs: Knobs,
        report: Report,
        /,
    ) -> Latent:
        """Walks from normal noise; calls `report(done, steps)` after each step."""
        ...
