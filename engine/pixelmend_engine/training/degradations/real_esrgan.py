"""What happens to pictures on their way through the Internet: blur, scaling, noise, JPEG, twice.

Source: Wang et al., Real-ESRGAN, arXiv:2107.10833, section 3, with the numbers of DiffIR's option
files and the published operators (BasicSR 1.4.2).
"""

import math
from dataclasses import dataclass
from typing import Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations import jpeg, real_esrgan_kernels
from pixelmend_engine.training.degradations.random_source import Dice
from pixelmend_engine.training.degradations.real_esrgan_kernels import Range, filtered
from pixelmend_engine.training.degradations.unsharp_mask import sharpened

Pictures = Float[Tensor, "b 3 h w"]
Scaled = Float[Tensor, "b 3 hs ws"]

MODES = ("area", "bilinear", "bicubic")
QUALITY: Range = (30.0, 95.0)
GAUSSIAN_SHARE = 0.5  # of the batches; the others get Poisson noise
GRAY_SHARE = 0.4  # of the pictures have noise that is the same in all channels
LUMA = (0.2989, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One of the two times that everything happens. Ranges are drawn from evenly."""

    blur_share: float
    sigma: Range  # pixels, of the blur
    resize_shares: tuple[float, float, float]  # up, down, and as it is
    resize: Range  # the smallest and the largest factor
    gaussian: Range  # standard deviation, on a scale to 255
    poisson: Range  # times as strong as counting so many levels


FIRST = Round(
    blur_share=1.0,
    sigma=(0.2, 3.0),
    resize_shares=(0.2, 0.7, 0.1),
    resize=(0.15, 1.5),
    gaussian=(1.0, 30.0),
    poisson=(0.05, 3.0),
)
SECOND = Round(
    blur_share=0.8,
    sigma=(0.2, 1.5),
    resize_shares=(0.3, 0.4, 0.3),
    resize=(0.3, 1.2),
    gaussian=(1.0, 25.0),
    poisson=(0.05, 2.5),
)


@dataclass(frozen=True, kw_only=True)
class RealWorld:
    """Pictures that became small and bad by `FIRST` and `SECOND`."""

    scale: Literal[1, 2, 4]
    side: int = 400  # pixels of the picture that are made worse, to cut a crop from
    sharpened: bool = False  # what is made worse, and to be found again, is sharpened before


def worsen(
    pictures: Pictures, settings: RealWorld, patch: int, generator: torch.Generator
) -> Batch:
    """Makes pictures worse and cuts a crop of `patch` pixels out, at the same place of all.

    How they are scaled is drawn once for all of them, the rest for each. `generator`, one of the
    CPU, draws everything but the noise of each pixel, for which it seeds one of the device.
    """
    dice = Dice(generator)
    grains = dice.seeded(pictures.device)
    height, width = pictures.shape[-2:]
    scale = settings.scale
    hq = sharpened(pictures) if settings.sharpened else pictures

    x = _blurred(hq, FIRST, dice)
    factor, mode = _resize(FIRST, dice), _mode(dice)
    x = functional.interpolate(x, scale_factor=factor, mode=mode)
    x = _compressed(_noisy(x, FIRST, dice, grains), dice)

    x = _blurred(x, SECOND, dice)
    factor, mode = _resize(SECOND, dice), _mode(dice)
    size = int(height / scale * factor), int(width / scale * factor)
    x = functional.interpolate(x, size=size, mode=mode)
    x = _noisy(x, SECOND, dice, grains)

    # What was scaled and filtered for the last time was compressed before that, or is after it.
    kernels = torch.stack([real_esrgan_kernels.final(dice) for _ in pictures]).to(x.device)
    mode, first = _mode(dice), dice.chance(0.5)
    x = x if first else _compressed(x, dice)
    x = functional.interpolate(x, size=(height // scale, width // scale), mode=mode)
    x = filtered(x, kernels)
    x = _compressed(x, dice) if first else x
    lq = (x * 255).round().clamp(0, 255) / 255

    top, left = (dice.whole(0, (side - patch) // scale) for side in (height, width))
    rows, columns = slice(top, top + patch // scale), slice(left, left + patch // scale)
    wide_rows = slice(top * scale, top * scale + patch)
    wide_columns = slice(left * scale, left * scale + patch)
    return Batch(
        lq[..., rows, columns],
        hq[..., wide_rows, wide_columns],
        pictures[..., wide_rows, wide_columns] if settings.sharpened else None,
    )


def _blurred(images: Pictures, settings: Round, dice: Dice) -> Pictures:
    kernels = torch.stack([real_esrgan_kernels.drawn(settings.sigma, dice) for _ in images])
    if not dice.chance(settings.blur_share):
        return images
    return filtered(images, kernels.to(images.device))


def _resize(settings: Round, dice: Dice) -> float:
    low, high = settings.resize
    limits = ((1.0, high), (low, 1.0), (1.0, 1.0))[dice.pick(settings.resize_shares)]
    return dice.evenly(*limits)


def _mode(dice: Dice) -> str:
    return MODES[dice.whole(0, len(MODES) - 1)]


def _compressed(images: Pictures, dice: Dice) -> Pictures:
    return jpeg.compress_plainly(images.clamp(0, 1), _for_each(images, QUALITY, dice))


def _for_each(images: Pictures, limits: Range, dice: Dice) -> Float[Tensor, " b"]:
    return torch.tensor([dice.evenly(*limits) for _ in images], device=images.device)


def _noisy(images: Pictures, settings: Round, dice: Dice, grains: torch.Generator) -> Pictures:
    gray = torch.tensor([dice.chance(GRAY_SHARE) for _ in images], device=images.device)
    if dice.chance(GAUSSIAN_SHARE):
        deviation = _for_each(images, settings.gaussian, dice) / 255
        noise = gaussian(images, gray, grains) * deviation[:, None, None, None]
    else:
        strength = _for_each(images, settings.poisson, dice)
        noise = poisson(images, gray, grains) * strength[:, None, None, None]
    return (images + noise).clamp(0, 1)


def gaussian(images: Pictures, gray: Tensor, grains: torch.Generator) -> Pictures:
    """Draws normal noise. Gray noise is one field, the same in each channel and each picture."""
    colored = torch.randn(images.shape, generator=grains, device=images.device)
    field = torch.randn(images.shape[-2:], generator=grains, device=images.device)
    return torch.where(gray[:, None, None, None], field, colored)


def poisson(images: Pictures, gray: Tensor, grains: torch.Generator) -> Pictures:
    """Draws what counting adds to pictures that have as many levels of light as they have values.

    Gray noise is that of the luma, in each channel.
    """
    luma = torch.einsum("c,bchw->bhw", images.new_tensor(LUMA), images)[:, None]
    colored, of_luma = (_counted(values, grains) for values in (images, luma))
    return torch.where(gray[:, None, None, None], of_luma, colored)


def _counted(values: Float[Tensor, "b c h w"], grains: torch.Generator) -> Tensor:
    clean = (values.clamp(0, 1) * 255).round() / 255
    levels = torch.tensor(
        [2.0 ** math.ceil(math.log2(_values(picture))) for picture in clean],
        device=values.device,
    )[:, None, None, None]
    return torch.poisson(clean * levels, generator=grains) / levels - clean


def _values(picture: Float[Tensor, "c h w"]) -> int:
    return cast("Tensor", torch.unique(picture)).numel()
