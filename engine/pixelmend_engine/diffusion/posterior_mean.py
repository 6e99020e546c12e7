"""The sampler of priors: the reverse chain by its posterior means, without noise."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.diffusion.schedule import Schedule, float32

PredictX0 = Callable[[Float[Tensor, "b n d"], int], Float[Tensor, "b n d"]]
"""Estimates x_0 from x_t at step t; conditions are bound by whoever made it."""


def posterior_mean_chain(
    predict_x0: PredictX0, x_T: Float[Tensor, "b n d"], schedule: Schedule
) -> Float[Tensor, "b n d"]:
    """Follows the mean of q(x_{t-1} | x_t, x_0) from the last step to the first, adding no noise.

    HI-Diff and DiffIR sample so, in training too, where gradients pass through the whole chain.

    Source: DDPM, arXiv:2006.11239, eq. 7.
    """
    coef_x0 = float32(schedule.posterior_mean_x0)
    coef_xt = float32(schedule.posterior_mean_xt)
    x_t = x_T
    for t in reversed(range(schedule.steps)):
        x_t = coef_x0[t] * predict_x0(x_t, t) + coef_xt[t] * x_t
    return x_t


def x0_from_epsilon(
    schedule: Schedule, x_t: Float[Tensor, "b n d"], epsilon: Float[Tensor, "b n d"], t: int
) -> Float[Tensor, "b n d"]:
    """Recovers x_0 from x_t and the noise in it, in exactly this order of operations.

    At the last step of HI-Diff's schedule both weights are near 174, so x_0 is a small difference
    of large numbers: float32 at the least.

    Source: DDPM, arXiv:2006.11239, eq. 4.
    """
    recip = float32(schedule.sqrt_recip_alpha_bar)[t]
    recip_minus_one = float32(schedule.sqrt_recip_alpha_bar_minus_one)[t]
    return recip * x_t - recip_minus_one * epsilon
