"""What all samplers of latents have in common: their signature, and their options."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise

Latent = Float[Tensor, "b c h w"]
GuidanceFn = Callable[[Latent, int, float], Latent]
"""Changes an estimate of x_0 at a timestep; the float is its weight in the posterior mean."""


@dataclass(frozen=True, kw_only=True)
class SamplerOptions:
    """What can be set; each sampler knows its own of them. `s_…` as in EDM, algorithm 2."""

    eta: float = 1.0  # how much noise is put back; 0: none
    order: int = 1  # of the linear multistep method
    s_churn: float = 0.0  # how much noise is added before steps, over all of them
    s_tmin: float = 0.0  # between these sigmas
    s_tmax: float = 300.0
    s_noise: float = 1.0  # factor of all noise that is added
    guidance_fn: GuidanceFn | None = None


@runtime_checkable
class Sampler(Protocol):
    """A function from normal noise to a latent."""

    def __call__(
        self,
        denoiser: Denoiser,
        x_T: Latent,
        steps: int,
        noise: Noise,
        options: SamplerOptions,
        /,
    ) -> Latent:
        """Draws a latent, from normal noise."""
        ...
