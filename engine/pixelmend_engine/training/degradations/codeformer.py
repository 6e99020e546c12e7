"""What DiffBIR's first versions learn from: blur, shrinking, noise and JPEG, once each.

Source: Zhou et al., CodeFormer, arXiv:2206.11253, section 4.1, with the numbers of DiffBIR's
option files. Published operators are OpenCV's; JPEG is the coder's own, in 8 bits.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.degradations.random_source import RandomSource
from pixelmend_engine.training.degradations.real_esrgan import LUMA
from pixelmend_engine.training.degradations.real_esrgan_kernels import (
    Range,
    bivariate_kernel,
    filter2d,
)

ROUND_SHARE = 0.5  # of the blurs are as wide in all directions
KERNEL_SIZE = 41  # pixels

Pictures = Float[Tensor, "b 3 h w"]
Picture = Float[Tensor, "1 3 h w"]
Small = Float[Tensor, "1 3 hs ws"]
Kernel = Float[Tensor, "k k"]


@dataclass(frozen=True, kw_only=True)
class CodeFormerSettings:
    """The ranges that are drawn from evenly."""

    sigma: Range  # pixels, of the blur
    shrink: Range  # times
    noise: Range  # standard deviation, on a scale to 255
    quality: tuple[int, int]  # of JPEG, both included
    gray_share: float = 0.0  # of the pictures lose their color, as what they should be does


GENERAL = CodeFormerSettings(
    sigma=(0.1, 12.0), shrink=(1.0, 12.0), noise=(0.0, 15.0), quality=(30, 100)
)
FACE = CodeFormerSettings(
    sigma=(0.1, 10.0), shrink=(0.8, 8.0), noise=(0.0, 20.0), quality=(60, 100)
)
# DifFace's, by which the restoration module for faces was trained.
STRONG_FACE = CodeFormerSettings(
    sigma=(0.1, 15.0), shrink=(0.8, 32.0), noise=(0.0, 20.0), quality=(30, 100), gray_share=0.01
)


def degrade(pictures: Pictures, settings: CodeFormerSettings, generator: torch.Generator) -> Batch:
    """Makes pictures worse, each in its own way: sRGB, [0, 1]. They keep their size."""
    rng = RandomSource(generator)
    noise_generator = rng.noise_generator(pictures.device)
    if settings.gray_share:
        gray = torch.tensor([rng.bernoulli(settings.gray_share) for _ in pictures])
        luma = torch.einsum("c,bchw->bhw", pictures.new_tensor(LUMA), pictures)[:, None]
        pictures = torch.where(gray[:, None, None, None].to(luma.device), luma, pictures)
    degraded = [_degrade_one(p[None], settings, rng, noise_generator) for p in pictures]
    return Batch(torch.cat(degraded), pictures)


def _degrade_one(
    picture: Picture,
    settings: CodeFormerSettings,
    rng: RandomSource,
    noise_generator: torch.Generator,
) -> Picture:
    kernel = _random_kernel(settings.sigma, rng).to(picture.device)
    small = shrunk(blurred(picture, kernel), rng.uniform(*settings.shrink))
    noise = torch.randn(small.shape, generator=noise_generator, device=small.device)
    noisy = (small + rng.uniform(*settings.noise) / 255 * noise).clamp(0, 1)
    height, width = picture.shape[-2:]
    return enlarged(compressed(noisy, rng.integer(*settings.quality)), height, width)


def _random_kernel(sigma: Range, rng: RandomSource) -> Kernel:
    first = rng.uniform(*sigma)
    if rng.bernoulli(ROUND_SHARE):
        return bivariate_kernel("gaussian", KERNEL_SIZE, (first, first)).float()
    second, theta = rng.uniform(*sigma), rng.uniform(-math.pi, math.pi)
    return bivariate_kernel("gaussian", KERNEL_SIZE, (first, second), theta).float()


def blurred(picture: Picture, kernel: Kernel) -> Picture:
    """Blurs a picture, mirrored at its borders."""
    return filter2d(picture, kernel[None])


def shrunk(picture: Picture, factor: float) -> Small:
    """Makes a picture so many times smaller, without smoothing before."""
    height, width = (int(side // factor) for side in picture.shape[-2:])
    return enlarged(picture, height, width)


def compressed(picture: Picture, quality: int) -> Picture:
    """Returns what JPEG leaves of a picture."""
    levels = (picture[0] * 255).round().to(torch.uint8).cpu()
    coded = io.BytesIO()
    Image.fromarray(rearrange(levels, "c h w -> h w c").numpy()).save(
        coded, "JPEG", quality=quality
    )
    with Image.open(coded) as decoded:
        values = torch.from_numpy(np.array(decoded))
    return (rearrange(values, "h w c -> 1 c h w") / 255).to(picture.device)


def enlarged(picture: Picture, height: int, width: int) -> Small:
    """Brings a picture to a size, linearly between its pixels."""
    return functional.interpolate(
        picture, size=(height, width), mode="bilinear", align_corners=False
    )
