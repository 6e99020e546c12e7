"""The ways to make pictures worse, and what each needs of a picture."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations import (
    camera,
    downscaling,
    inpainting_masks,
    real_esrgan,
)
from pixelmend_engine.training.degradations.camera import Degradation
from pixelmend_engine.training.degradations.downscaling import Reduction
from pixelmend_engine.training.degradations.inpainting_masks import Holes
from pixelmend_engine.training.degradations.real_esrgan import RealWorld

Worsening = Degradation | RealWorld | Reduction | Holes


@dataclass(frozen=True)
class Cut:
    """What is cut from a picture for one crop, in pixels."""

    side: int
    around: int = 0  # on each side, beyond that

    @property
    def whole(self) -> int:
        """The side of all of it."""
        return self.side + 2 * self.around


def cut(how: Worsening, patch: int) -> Cut:
    """Returns what has to be cut out for a crop of `patch` pixels a side."""
    match how:
        case Degradation() | Reduction():
            return Cut(patch, around=how.reach)
        case RealWorld():
            return Cut(max(how.side, patch))
        case Holes():
            return Cut(patch)


def worsen(
    pictures: Float[Tensor, "b 3 h w"], how: Worsening, patch: int, generator: torch.Generator
) -> Batch:
    """Makes pictures worse that were cut as `cut` says: sRGB, [0, 1].

    `generator`, one of the CPU, decides everything; the same seed gives the same pictures.
    """
    match how:
        case Degradation():
            return Batch(*camera.degrade(pictures, how, generator))
        case RealWorld():
            return real_esrgan.worsen(pictures, how, patch, generator)
        case Reduction():
            return downscaling.worsen(pictures, how)
        case Holes():
            return inpainting_masks.worsen(pictures, how, generator)


def scale(how: Worsening) -> int:
    """Returns how many times smaller the worse picture is."""
    return how.scale if isinstance(how, RealWorld | Reduction) else 1
