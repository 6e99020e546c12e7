"""Between a picture's stored samples and what a network sees: sRGB, [0, 1]."""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

LEVELS = 255  # above black, in 8 bit


def to_network(pixels: UInt8[np.ndarray, "h w 3"]) -> Float[Tensor, "1 3 h w"]:
    """Turns 8-bit RGB into what a network sees."""
    return rearrange(torch.from_numpy(pixels), "h w c -> 1 c h w").float() / LEVELS


def from_network(image: Float[Tensor, "1 3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Turns what a network put out into 8-bit RGB: clipped, rounded half to even."""
    levels = (image.clamp(0, 1) * LEVELS).round().to(torch.uint8)
    return rearrange(levels, "1 c h w -> h w c").contiguous().cpu().numpy()
