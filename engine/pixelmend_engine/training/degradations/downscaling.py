"""Pictures that were only made smaller, as benchmarks of super-resolution do it."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.batch import Batch


@dataclass(frozen=True, kw_only=True)
class DownscalingSettings:
    """Smaller by this factor: bicubic, over as many pixels as fall together, as MATLAB has it."""

    scale: Literal[2, 4]

    @property
    def reach(self) -> int:
        """How many pixels around a crop take part in it."""
        return 4 * self.scale


def degrade(pictures: Float[Tensor, "b 3 h w"], settings: DownscalingSettings) -> Batch:
    """Makes pictures smaller, which have `settings.reach` pixels more on each side than the crop.

    The result is rounded to 8 bit, as files are.
    """
    smaller = functional.interpolate(
        pictures, scale_factor=1 / settings.scale, mode="bicubic", antialias=True
    )
    small_reach, reach = settings.reach // settings.scale, settings.reach
    lq = (
        smaller[..., small_reach:-small_reach, small_reach:-small_reach].clamp(0, 1) * 255
    ).round() / 255
    return Batch(lq, pictures[..., reach:-reach, reach:-reach])
