"""How much noise each step of a diffusion holds, and what follows from it.

Source: Ho et al., DDPM, arXiv:2006.11239. The letters are the paper's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

Values = Float64[np.ndarray, " t"]


@dataclass(frozen=True)
class Schedule:
    """The betas of one diffusion, in float64, and the products that samplers need.

    `float32` casts each derived value once, as the published code does; arithmetic with the
    rounded constants is then the same in any tensor type.
    """

    betas: Values

    @classmethod
    def linear(cls, start: float, end: float, steps: int) -> "Schedule":
        """Spaces the betas evenly."""
        return cls(np.linspace(start, end, steps, dtype=np.float64))

    @classmethod
    def linear_sqrt(cls, start: float, end: float, steps: int) -> "Schedule":
        """Spaces the square roots of the betas evenly (latent-diffusion's "linear")."""
        return cls(np.linspace(start**0.5, end**0.5, steps, dtype=np.float64) ** 2)

    def with_zero_terminal_snr(self) -> "Schedule":
        """Returns the same diffusion, stretched so that its last step holds nothing but noise.

        Source: Lin et al., arXiv:2305.08891, algorithm 1.
        """
        roots = np.sqrt(self.alpha_bar)
        roots = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
        return Schedule.of_alpha_bar(roots**2)

    @classmethod
    def of_alpha_bar(cls, alpha_bar: Values) -> "Schedule":
        """Returns the diffusion whose products are these."""
        return cls(1.0 - alpha_bar / np.concatenate([np.ones(1), alpha_bar[:-1]]))

    def respaced(self, timesteps: Sequence[int]) -> "Schedule":
        """Returns the diffusion that goes through some of the timesteps alone, in rising order.

        Source: Nichol and Dhariwal, arXiv:2102.09672, section 4.
        """
        return Schedule.of_alpha_bar(self.alpha_bar[list(timesteps)])

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.betas)

    @cached_property
    def alpha_bar(self) -> Values:
        """The product of 1 - beta up to each step: the share of signal variance left."""
        return np.cumprod(1.0 - self.betas)

    @cached_property
    def alpha_bar_prev(self) -> Values:
        """The same one step earlier; 1 before the first."""
        return np.concatenate([np.ones(1), self.alpha_bar[:-1]])

    @cached_property
    def sqrt_alpha_bar(self) -> Values:
        """Weight of x_0 in q(x_t | x_0) (eq. 4)."""
        return np.sqrt(self.alpha_bar)

    @cached_property
    def sqrt_one_minus_alpha_bar(self) -> Values:
        """Weight of the noise there."""
        return np.sqrt(1.0 - self.alpha_bar)

    @cached_property
    def sqrt_recip_alpha_bar(self) -> Values:
        """Weight of x_t where x_0 is recovered from epsilon (eq. 4, solved for x_0)."""
        return np.sqrt(1.0 / self.alpha_bar)

    @cached_property
    def sqrt_recip_alpha_bar_minus_one(self) -> Values:
        """Weight of epsilon there."""
        return np.sqrt(1.0 / self.alpha_bar - 1.0)

    @cached_property
    def posterior_variance(self) -> Values:
        """Variance of q(x_{t-1} | x_t, x_0) (eq. 7)."""
        return self.betas * (1.0 - self.alpha_bar_prev) / (1.0 - self.alpha_bar)

    @cached_property
    def posterior_mean_x0(self) -> Values:
        """Weight of x_0 in the mean of q(x_{t-1} | x_t, x_0) (eq. 7)."""
        return self.betas * np.sqrt(self.alpha_bar_prev) / (1.0 - self.alpha_bar)

    @cached_property
    def posterior_mean_xt(self) -> Values:
        """Weight of x_t there."""
        return (1.0 - self.alpha_bar_prev) * np.sqrt(1.0 - self.betas) / (1.0 - self.alpha_bar)


def float32(values: Values) -> list[float]:
    """Rounds to float32 once, as the published code stores its constants."""
    return values.astype(np.float32).tolist()
