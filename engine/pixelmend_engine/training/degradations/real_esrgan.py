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
from pixelmend_engine.training.degradations.random_source import RandomSource
from pixelmend_engine.training.degradations.real_esrgan_kernels import Range, filter2d
from pixelmend_engine.training.degradations.unsharp_mask import sharpen

Pictures = Float[Tensor, "b 3 h w"]
Scaled = Float[Tensor, "b 3 hs ws"]

MODES = ("area", "bilinear", "bicubic")
QUALITY: Range = (30.0, 95.0)
GAUSSIAN_SHARE = 0.5  # of the batches; the others get Poisson noise
GRAY_SHARE = 0.4  # of the pictures have noise that is the same in all channels
LUMA = (0.2989, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True)
class DegradationStage:
    """One of the two times that everything happens. Ranges are drawn from evenly."""

    blur_share: float
    sigma: Range  # pixels, of the blur
    resize_shares: tuple[float, float, float]  # up, down, and as it is
    resize: Range  # the smallest and the largest factor
    gaussian: Range  # standard deviation, on a scale to 255
    poisson: Range  # times as strong as counting so many levels


FIRST_STAGE = DegradationStage(
    blur_share=1.0,
    sigma=(0.2, 3.0),
    resize_shares=(0.2, 0.7, 0.1),
    resize=(0.15, 1.5),
    gaussian=(1.0, 30.0),
    poisson=(0.05, 3.0),
)
SECOND_STAGE = DegradationStage(
    blur_share=0.8,
    sigma=(0.2, 1.5),
    resize_shares=(0.3, 0.4, 0.3),
    resize=(0.3, 1.2),
    gaussian=(1.0, 25.0),
    poisson=(0.05, 2.5),
)


@dataclass(frozen=True, kw_only=True)
class RealESRGANSettings:
    """Pictures that became small and bad by `FIRST_STAGE` and `SECOND_STAGE`."""

    scale: Literal[1, 2, 4]
    side: int = 400  # pixels of the picture that are made worse, to cut a crop from
    sharpened: bool = False  # what is degraded, and to be restored, is sharpened before
    enlarged: bool = False  # what is degraded is brought back to its size (DiffBIR v2.1)


def degrade(
    pictures: Pictures, settings: RealESRGANSettings, patch: int, generator: torch.Generator
) -> Batch:
    """Makes pictures worse and cuts a crop of `patch` pixels out, at the same place of all.

    How they are scaled is drawn once for all of them, the rest for each. `generator`, one of the
    CPU, draws everything but the noise of each pixel, for which it seeds one of the device.
    """
    rng = RandomSource(generator)
    noise_generator = rng.noise_generator(pictures.device)
    height, width = pictures.shape[-2:]
    scale = settings.scale
    hq = sharpen(pictures) if settings.sharpened else pictures

    x = _blur(hq, FIRST_STAGE, rng)
    factor, mode = _scale_factor(FIRST_STAGE, rng), _resize_mode(rng)
    x = functional.interpolate(x, scale_factor=factor, mode=mode)
    x = _compress(_add_noise(x, FIRST_STAGE, rng, noise_generator), rng)

    x = _blur(x, SECOND_STAGE, rng)
    factor, mode = _scale_factor(SECOND_STAGE, rng), _resize_mode(rng)
    size = int(height / scale * factor), int(width / scale * factor)
    x = functional.interpolate(x, size=size, mode=mode)
    x = _add_noise(x, SECOND_STAGE, rng, noise_generator)

    # What was scaled and filtered for the last time was compressed before that, or is after it.
    kernels = torch.stack([real_esrgan_kernels.random_final_kernel(rng) for _ in pictures]).to(
        x.device
    )
    mode, first = _resize_mode(rng), rng.bernoulli(0.5)
    x = x if first else _compress(x, rng)
    x = functional.interpolate(x, size=(height // scale, width // scale), mode=mode)
    x = filter2d(x, kernels)
    x = _compress(x, rng) if first else x
    if settings.enlarged:
        scale = 1
        x = functional.interpolate(x, size=(height, width), mode="bicubic")
    lq = (x * 255).round().clamp(0, 255) / 255

    top, left = (rng.integer(0, (side - patch) // scale) for side in (height, width))
    rows, columns = slice(top, top + patch // scale), slice(left, left + patch // scale)
    wide_rows = slice(top * scale, top * scale + patch)
    wide_columns = slice(left * scale, left * scale + patch)
    return Batch(
        lq[..., rows, columns],
        hq[..., wide_rows, wide_columns],
        pictures[..., wide_rows, wide_columns] if settings.sharpened else None,
    )


def _blur(images: Pictures, settings: DegradationStage, rng: RandomSource) -> Pictures:
    kernels = torch.stack([real_esrgan_kernels.random_kernel(settings.sigma, rng) for _ in images])
    if not rng.bernoulli(settings.blur_share):
        return images
    return filter2d(images, kernels.to(images.device))


def _scale_factor(settings: DegradationStage, rng: RandomSource) -> float:
    low, high = settings.resize
    limits = ((1.0, high), (low, 1.0), (1.0, 1.0))[rng.categorical(settings.resize_shares)]
    return rng.uniform(*limits)


def _resize_mode(rng: RandomSource) -> str:
    return MODES[rng.integer(0, len(MODES) - 1)]


def _compress(images: Pictures, rng: RandomSource) -> Pictures:
    return jpeg.diffjpeg(images.clamp(0, 1), _uniform_each(images, QUALITY, rng))


def _uniform_each(images: Pictures, limits: Range, rng: RandomSource) -> Float[Tensor, " b"]:
    return torch.tensor([rng.uniform(*limits) for _ in images], device=images.device)


def _add_noise(
    images: Pictures,
    settings: DegradationStage,
    rng: RandomSource,
    noise_generator: torch.Generator,
) -> Pictures:
    gray = torch.tensor([rng.bernoulli(GRAY_SHARE) for _ in images], device=images.device)
    if rng.bernoulli(GAUSSIAN_SHARE):
        deviation = _uniform_each(images, settings.gaussian, rng) / 255
        noise = gaussian_noise(images, gray, noise_generator) * deviation[:, None, None, None]
    else:
        strength = _uniform_each(images, settings.poisson, rng)
        noise = poisson_noise(images, gray, noise_generator) * strength[:, None, None, None]
    return (images + noise).clamp(0, 1)


def gaussian_noise(images: Pictures, gray: Tensor, noise_generator: torch.Generator) -> Pictures:
    """Draws normal noise. Gray noise is one field, the same in each channel and each picture."""
    colored = torch.randn(images.shape, generator=noise_generator, device=images.device)
    field = torch.randn(images.shape[-2:], generator=noise_generator, device=images.device)
    return torch.where(gray[:, None, None, None], field, colored)


def poisson_noise(images: Pictures, gray: Tensor, noise_generator: torch.Generator) -> Pictures:
    """Draws what counting adds to pictures that have as many levels of light as they have values.

    Gray noise is that of the luma, in each channel.
    """
    luma = torch.einsum("c,bchw->bhw", images.new_tensor(LUMA), images)[:, None]
    colored, of_luma = (_poisson_residual(values, noise_generator) for values in (images, luma))
    return torch.where(gray[:, None, None, None], of_luma, colored)


def _poisson_residual(values: Float[Tensor, "b c h w"], noise_generator: torch.Generator) -> Tensor:
    clean = (values.clamp(0, 1) * 255).round() / 255
    levels = torch.tensor(
        [2.0 ** math.ceil(math.log2(_distinct_values(picture))) for picture in clean],
        device=values.device,
    )[:, None, None, None]
    return torch.poisson(clean * levels, generator=noise_generator) / levels - clean


def _distinct_values(picture: Float[Tensor, "c h w"]) -> int:
    return cast("Tensor", torch.unique(picture)).numel()
