"""Several kinds of damage for one model: each picture gets one of them."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations import camera
from pixelmend_engine.training.degradations.camera import CameraSettings


@dataclass(frozen=True, kw_only=True)
class MixtureSettings:
    """Kinds of damage, each with its share of the pictures; the shares sum to 1."""

    parts: tuple[tuple[float, CameraSettings], ...]

    def __post_init__(self) -> None:
        """Makes sure that every picture gets something."""
        assert math.isclose(sum(share for share, _ in self.parts), 1.0)

    @property
    def reach(self) -> int:
        """How many pixels around a crop take part in it."""
        return max(part.reach for _, part in self.parts)


def degrade(
    pictures: Float[Tensor, "b 3 h w"], settings: MixtureSettings, generator: torch.Generator
) -> Batch:
    """Makes pictures worse, which have `settings.reach` pixels more on each side than the crop."""
    shares = torch.tensor([share for share, _ in settings.parts])
    kinds = torch.multinomial(shares, len(pictures), replacement=True, generator=generator)
    reach = settings.reach
    hq = pictures[..., reach:-reach, reach:-reach].clone()
    lq = hq.clone()
    for number, (_, part) in enumerate(settings.parts):
        chosen = (kinds == number).nonzero()[:, 0].to(pictures.device)
        if not len(chosen):
            continue
        spare = reach - part.reach
        around = pictures[chosen]
        if spare:
            around = around[..., spare:-spare, spare:-spare]
        lq[chosen], hq[chosen] = camera.degrade(around, part, generator)
    return Batch(lq, hq)


NOTHING = CameraSettings(
    untouched_share=1.0,
    shake_share=0.0,
    shake=(0.0, 0.0),
    roll=(0.0, 0.0),
    moving_share=0.0,
    defocus_share=0.0,
    defocus=(0.0, 0.0),
    soft_share=0.0,
    soft=(0.0, 0.0),
    highlight_share=0.0,
    shot=(0.0, 0.0),
    read=(0.0, 0.0),
    grain=(0.0, 0.0),
    jpeg_share=0.0,
)
"""A picture as it is, in 8 bits."""
