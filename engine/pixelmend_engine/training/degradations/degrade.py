"""The ways to make pictures worse, and what each needs of a picture."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations import (
    camera,
    codeformer,
    downscaling,
    inpainting_masks,
    mixture,
    real_esrgan,
    scratch_masks,
)
from pixelmend_engine.training.degradations.camera import CameraSettings
from pixelmend_engine.training.degradations.codeformer import CodeFormerSettings
from pixelmend_engine.training.degradations.downscaling import DownscalingSettings
from pixelmend_engine.training.degradations.inpainting_masks import InpaintingMaskSettings
from pixelmend_engine.training.degradations.mixture import MixtureSettings
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.degradations.scratch_masks import ScratchMaskSettings

DegradationSettings = (
    CameraSettings
    | CodeFormerSettings
    | MixtureSettings
    | RealESRGANSettings
    | DownscalingSettings
    | InpaintingMaskSettings
    | ScratchMaskSettings
)


@dataclass(frozen=True)
class SourceCrop:
    """What is cut from a picture for one crop, in pixels."""

    side: int
    margin: int = 0  # on each side, beyond that

    @property
    def full_side(self) -> int:
        """The side of all of it."""
        return self.side + 2 * self.margin


def source_crop(settings: DegradationSettings, patch: int) -> SourceCrop:
    """Returns what has to be cut out for a crop of `patch` pixels a side."""
    match settings:
        case CameraSettings() | MixtureSettings() | DownscalingSettings():
            return SourceCrop(patch, margin=settings.reach)
        case RealESRGANSettings():
            return SourceCrop(max(settings.side, patch))
        case CodeFormerSettings() | InpaintingMaskSettings() | ScratchMaskSettings():
            return SourceCrop(patch)


def degrade(
    pictures: Float[Tensor, "b 3 h w"],
    settings: DegradationSettings,
    patch: int,
    generator: torch.Generator,
) -> Batch:
    """Makes pictures worse, which were cut as `source_crop` says: sRGB, [0, 1].

    `generator`, one of the CPU, decides everything; the same seed gives the same pictures.
    """
    match settings:
        case CameraSettings():
            return Batch(*camera.degrade(pictures, settings, generator))
        case CodeFormerSettings():
            return codeformer.degrade(pictures, settings, generator)
        case MixtureSettings():
            return mixture.degrade(pictures, settings, generator)
        case RealESRGANSettings():
            return real_esrgan.degrade(pictures, settings, patch, generator)
        case DownscalingSettings():
            return downscaling.degrade(pictures, settings, generator)
        case InpaintingMaskSettings():
            return inpainting_masks.degrade(pictures, settings, generator)
        case ScratchMaskSettings():
            return scratch_masks.degrade(pictures, settings, generator)


def downscaling_factor(settings: DegradationSettings) -> int:
    """Returns how many times smaller the degraded picture is."""
    match settings:
        case RealESRGANSettings():
            return 1 if settings.enlarged else settings.scale
        case DownscalingSettings():
            return settings.scale
        case _:
            return 1
