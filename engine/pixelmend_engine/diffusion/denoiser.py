"""A network that predicts the noise in latents, as samplers want to ask it.

Source of guidance: Ho and Salimans, arXiv:2207.12598. What is weighed differs from sampler to
sampler, as in the published code: the network's output, the noise, or the clean latent.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.diffusion.schedule import Schedule

Latent = Float[Tensor, "b c h w"]
Prediction = Literal["epsilon", "v"]
Branches = Callable[[Latent, float, bool], tuple[Latent, Latent]]
"""Takes x_t, t, and whether both branches are needed: what is wanted, and what is not wanted.

Where one will do, it may return it twice.
"""

RISE_POWER = 5  # how late a rising guidance rises; published
LAST = 1000  # timesteps


@dataclass(frozen=True, kw_only=True)
class Denoiser:
    """Predicts for latents, with guidance by what is not wanted."""

    branches: Branches
    schedule: Schedule
    prediction: Prediction
    guidance: float  # 1: none
    rising: bool = False  # the guidance grows from 1 at the noisy end

    def output(self, x: Latent, t: int) -> Latent:
        """Returns the network's output at a timestep, guided."""
        scale = self.guidance_at(float(t)) if self.guidance > 1 else self.guidance
        return self._guided(*self.branches(x, float(t), scale != 1), scale)

    def epsilon(self, x: Latent, t: float, alpha: float, sigma: float) -> Latent:
        """Returns the noise in x = alpha x_0 + sigma eps, guided; `t` may be a fraction."""
        wanted, unwanted = (
            alpha * predicted + sigma * x if self.prediction == "v" else predicted
            for predicted in self.branches(x, t, self.guidance != 1)
        )
        return self._guided(wanted, unwanted, self.guidance_at(t))

    def x0(self, x: Latent, t: int, sigma: float) -> Latent:
        """Returns the clean latent of x = x_0 + sigma eps, guided."""
        size = math.sqrt(sigma**2 + 1)
        wanted, unwanted = (
            x / size**2 - sigma / size * predicted
            if self.prediction == "v"
            else x - sigma * predicted
            for predicted in self.branches(x / size, float(t), self.guidance != 1)
        )
        scale = self.guidance_at(float(t)) if self.guidance > 1 else self.guidance
        return self._guided(wanted, unwanted, scale)

    def guidance_at(self, t: float) -> float:
        """Returns the guidance at a timestep; where it rises, it ends one above what was asked."""
        if not self.rising:
            return self.guidance
        share = (1 - math.cos(math.pi * ((LAST - t) / LAST) ** RISE_POWER)) / 2
        return 1 + self.guidance * share

    def _guided(self, wanted: Latent, unwanted: Latent, scale: float) -> Latent:
        if self.guidance == 1 or scale == 1:
            return wanted
        return unwanted + scale * (wanted - unwanted)
