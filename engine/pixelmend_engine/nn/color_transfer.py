"""Taking the colors of one picture for another: what a diffusion model shifts is put right.

Source: Wang et al., StableSR, arXiv:2305.07015, section 3.4, as DiffBIR's published code does it.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

LEVELS = 5  # of the wavelet: colors are what is wider than about 32 pixels

Pictures = Float[Tensor, "b 3 h w"]


def transfer(content: Pictures, style: Pictures, method: str) -> Pictures:
    """Gives one picture the colors of the other; a method that is not known stands for none."""
    match method:
        case "wavelet":
            return wavelet(content, style)
        case "adain":
            return adain(content, style)
        case _:
            return content


def wavelet(content: Pictures, style: Pictures) -> Pictures:
    """Returns the fine detail of one picture on the coarse colors of the other."""
    return content - low_frequencies(content) + low_frequencies(style)


def low_frequencies(image: Pictures) -> Pictures:
    """Blurs five times, each time twice as wide."""
    row = torch.tensor([0.25, 0.5, 0.25], device=image.device, dtype=image.dtype)
    kernel = torch.outer(row, row).expand(image.shape[1], 1, 3, 3)
    for level in range(LEVELS):
        dilation = 2**level
        padded = functional.pad(image, (dilation, dilation, dilation, dilation), mode="replicate")
        image = functional.conv2d(padded, kernel, dilation=dilation, groups=image.shape[1])
    return image


def adain(content: Pictures, style: Pictures) -> Pictures:
    """Returns one picture with mean and deviation of each channel of the other (AdaIN)."""
    mean, deviation = _statistics(content)
    style_mean, style_deviation = _statistics(style)
    return (content - mean) / deviation * style_deviation + style_mean


def _statistics(image: Pictures) -> tuple[Float[Tensor, "b 3 1 1"], Float[Tensor, "b 3 1 1"]]:
    variance, mean = torch.var_mean(image, dim=(2, 3), keepdim=True)
    return mean, torch.sqrt(variance + 1e-5)  # as published
