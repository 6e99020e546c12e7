"""Kinds of damage that models are measured against, each as strong in every picture."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from torch.nn import functional

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data import picture_files
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.degradations.camera import CameraSettings
from pixelmend_engine.training.degradations.degrade import (
    DegradationSettings,
    degrade,
    downscaling_factor,
    source_crop,
)
from pixelmend_engine.training.degradations.downscaling import DownscalingSettings
from pixelmend_engine.training.degradations.mixture import NOTHING, MixtureSettings
from pixelmend_engine.training.degradations.scratch_masks import ScratchMaskSettings
from pixelmend_engine.training.degradations.worn import FRAMES
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.cases import Case, seeded_generator


def _gaussian(sigma: float) -> CameraSettings:
    return dataclasses.replace(NOTHING, grain=(sigma / 255, sigma / 255))


def _jpeg(quality: float) -> CameraSettings:
    return dataclasses.replace(
        NOTHING, jpeg_share=1.0, jpeg=(quality, quality), subsampled_share=1.0
    )


# What became of a small picture: a little noise, and JPEG.
WORN = dataclasses.replace(
    NOTHING, grain=(5 / 255, 5 / 255), jpeg_share=1.0, jpeg=(70.0, 70.0), subsampled_share=1.0
)


def _small(scale: Literal[2, 4]) -> DownscalingSettings:
    return DownscalingSettings(scale=scale, worn=MixtureSettings(parts=((1.0, WORN),)))


DAMAGES: Mapping[str, DegradationSettings] = {
    "gaussian-10": _gaussian(10.0),
    "gaussian-25": _gaussian(25.0),
    "gaussian-50": _gaussian(50.0),
    # As a small sensor at ISO 6400: a thousand electrons at white, five of them read noise.
    "photon": dataclasses.replace(NOTHING, shot=(0.001, 0.02), read=(0.001, 0.006)),
    "jpeg-20": _jpeg(20.0),
    "jpeg-40": _jpeg(40.0),
    "mixed": dataclasses.replace(
        NOTHING,
        untouched_share=0.0,
        shake_share=0.5,
        shake=(2.0, 6.0),
        soft_share=0.5,
        soft=(0.5, 1.5),
        grain=(3 / 255, 15 / 255),
        jpeg_share=1.0,
        jpeg=(40.0, 80.0),
    ),
    "scan": dataclasses.replace(
        NOTHING,
        grain=(5 / 255, 15 / 255),
        grain_size=(0.5, 1.0),
        specks=(4.0, 10.0),
        gray_share=0.5,
    ),
    "frames": dataclasses.replace(
        FRAMES, display_light_share=1.0, shake=(3.0, 15.0), grain=(2 / 255, 2 / 255)
    ),
    "soft": dataclasses.replace(NOTHING, soft_original_share=1.0, soft_original=(0.5, 2.0)),
    "none": NOTHING,
    "x2": DownscalingSettings(scale=2),
    "x4": DownscalingSettings(scale=4),
    "worn-x2": _small(2),
    "worn-x4": _small(4),
    "scratches": ScratchMaskSettings(kinds=("scratches",)),
    "specks": ScratchMaskSettings(kinds=("specks",)),
    "wires": ScratchMaskSettings(kinds=("wires",)),
    "tear": ScratchMaskSettings(kinds=("tear",)),
}
"""Standard deviations are on a scale to 255, qualities are JPEG's. `soft` and `none` are sound.

Those with a number behind x are for *Upscale*; the last four have holes, for *Fill Selection*.
"""


def damaged_task(damage: str) -> Literal["restore", "upscale", "inpaint"]:
    """Returns the task that undoes a kind of damage; `restore` stands for those of one size."""
    match DAMAGES[damage]:
        case DownscalingSettings():
            return "upscale"
        case ScratchMaskSettings():
            return "inpaint"
        case _:
            return "restore"


def damaged_scale(damage: str) -> int:
    """Returns how many times smaller a kind of damage makes pictures."""
    return downscaling_factor(DAMAGES[damage])


def damaged_case(pair: TrainingPair, damage: str, seed: int) -> Case:
    """Reads a sharp picture and damages it; for a seed and a name always in the same way.

    Raises:
        BadRequest: It is smaller than what surrounds each of its pixels in the damage.
    """
    settings = DAMAGES[damage]
    sharp = picture_files.read_rgb8(pair.sharp)
    scale = downscaling_factor(settings)
    height, width = (side // scale * scale for side in sharp.shape[-2:])
    sharp = sharp[:, :height, :width]
    reach = source_crop(settings, min(height, width)).margin
    if reach >= min(height, width):
        raise BadRequest(
            f"The picture is smaller than the damage: `{pair.name}`", hint="Leave it out"
        )
    around = functional.pad(sharp[None] / 255, (reach, reach, reach, reach), mode="reflect")
    batch = degrade(around, settings, min(height, width), seeded_generator(seed, pair.name))
    lq, hq = batch.lq[0], batch.hq[0]
    mask = lq[3] > 0 if len(lq) > 3 else None
    return Case(pair.name, metrics.to_uint8(lq[:3]), metrics.to_uint8(hq), mask=mask)
