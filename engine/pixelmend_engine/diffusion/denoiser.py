"""A network that predicts the noise in latents, as samplers want to ask it.

Source of classifier-free guidance: Ho and Salimans, arXiv:2207.12598. What is weighed differs from
sampler to sampler, as in the published code: the network's output, the noise, or the clean latent.
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
PredictBoth = Callable[[Latent, float, bool], tuple[Latent, Latent]]
"""Takes x_t, t, and whether both are needed: returns cond and uncond.

Where cond will do, it may return it twice.
"""

RISING_CFG_POWER = 5  # how late a rising guidance rises; published
TIMESTEPS = 1000


@dataclass(frozen=True, kw_only=True)
class Denoiser:
    """Predicts for latents, with classifier-free guidance."""

    predict: PredictBoth
    schedule: Schedule
    prediction: Prediction
    cfg_scale: float  # 1: no guidance
    rising_cfg: bool = False  # the scale grows from 1 at the noisy end

    def output(self, x: Latent, t: int) -> Latent:
        """Returns the network's output at a timestep, guided."""
        scale = self.cfg_scale_at(float(t)) if self.cfg_scale > 1 else self.cfg_scale
        return self._guided(*self.predict(x, float(t), scale != 1), scale)

    def epsilon(self, x: Latent, t: float, alpha: float, sigma: float) -> Latent:
        """Returns the noise in x = alpha x_0 + sigma eps, guided; `t` may be a fraction."""
        cond, uncond = (
            alpha * output + sigma * x if self.prediction == "v" else output
            for output in self.predict(x, t, self.cfg_scale != 1)
        )
        return self._guided(cond, uncond, self.cfg_scale_at(t))

    def x0(self, x: Latent, t: int, sigma: float) -> Latent:
        """Returns the clean latent of x = x_0 + sigma eps, guided."""
        deviation = math.sqrt(sigma**2 + 1)  # of x; EDM's c_in is its inverse
        cond, uncond = (
            x / deviation**2 - sigma / deviation * output
            if self.prediction == "v"
            else x - sigma * output
            for output in self.predict(x / deviation, float(t), self.cfg_scale != 1)
        )
        scale = self.cfg_scale_at(float(t)) if self.cfg_scale > 1 else self.cfg_scale
        return self._guided(cond, uncond, scale)

    def cfg_scale_at(self, t: float) -> float:
        """Returns the scale at a timestep; where it rises, it ends one above `cfg_scale`."""
        if not self.rising_cfg:
            return self.cfg_scale
        share = (1 - math.cos(math.pi * ((TIMESTEPS - t) / TIMESTEPS) ** RISING_CFG_POWER)) / 2
        return 1 + self.cfg_scale * share

    def _guided(self, cond: Latent, uncond: Latent, scale: float) -> Latent:
        if self.cfg_scale == 1 or scale == 1:
            return cond
        return uncond + scale * (cond - uncond)
