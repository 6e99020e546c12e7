"""Unsharp masking where there is something to sharpen: what Real-ESRGAN makes targets with.

Source: the published operator (BasicSR 1.4.2), with its settings.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SIZE = 51  # pixels, of the Gaussian
SIGMA = 0.3 * ((SIZE - 1) / 2 - 1) + 0.8  # OpenCV's rule for a size
STRENGTH = 0.5
THRESHOLD = 10 / 255  # smaller differences are noise, and stay as they are

Pictures = Float[Tensor, "b 3 h w"]


def sharpen(images: Pictures) -> Pictures:
    """Sharpens pictures in [0, 1], both sides above half of `SIZE`, softly limited to edges."""
    blurred = _blur(images)
    residual = images - blurred
    edges = _blur((residual.abs() > THRESHOLD).to(images.dtype))
    sharp = (images + STRENGTH * residual).clamp(0, 1)
    return edges * sharp + (1 - edges) * images


def _blur(images: Pictures) -> Pictures:
    offsets = torch.arange(SIZE, dtype=torch.float64) - SIZE // 2
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    window = (window / window.sum()).to(images).expand(3, 1, -1)
    around = SIZE // 2
    padded = functional.pad(images, (around, around, around, around), mode="reflect")
    padded = functional.conv2d(padded, window[..., None], groups=3)
    return functional.conv2d(padded, window[:, :, None], groups=3)
