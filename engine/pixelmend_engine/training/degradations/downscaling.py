"""Pictures made smaller, as benchmarks of super-resolution do it; worn afterwards or not."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations import mixture
from pixelmend_engine.training.degradations.mixture import MixtureSettings


@dataclass(frozen=True, kw_only=True)
class DownscalingSettings:
    """Smaller by this factor: bicubic, over as many pixels as fall together, as MATLAB has it."""

    scale: Literal[2, 4]
    worn: MixtureSettings | None = None  # what happens to the smaller picture; it stays as sharp

    @property
    def reach(self) -> int:
        """How many pixels around a crop take part in it."""
        return self.scale * max(4, 0 if self.worn is None else self.worn.reach)


def degrade(
    pictures: Float[Tensor, "b 3 h w"], settings: DownscalingSettings, generator: torch.Generator
) -> Batch:
    """Makes pictures smaller, which have `settings.reach` pixels more on each side than the crop.

    The result is rounded to 8 bit, as files are.
    """
    smaller = functional.interpolate(
        pictures, scale_factor=1 / settings.scale, mode="bicubic", antialias=True
    )
    small_reach, reach = settings.reach // settings.scale, settings.reach
    hq = pictures[..., reach:-reach, reach:-reach]
    if settings.worn is not None:
        spare = small_reach - settings.worn.reach
        if spare:
            smaller = smaller[..., spare:-spare, spare:-spare]
        return Batch(mixture.degrade(smaller.clamp(0, 1), settings.worn, generator).lq, hq)
    lq = smaller[..., small_reach:-small_reach, small_reach:-small_reach].clamp(0, 1)
    return Batch((lq * 255).round() / 255, hq)
