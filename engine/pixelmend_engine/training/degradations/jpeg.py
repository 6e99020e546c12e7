"""What JPEG compression leaves of pictures, on any device and with another quality for each.

Source: ITU-T T.81, tables K.1 and K.2, scaled by quality as the Independent JPEG Group does.
"""

import math

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.degradations.blur import Light

BLOCK = 8
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)
# JFIF: luma and two color differences from red, green and blue, all on a scale to 255.
TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def compress(images: Light, quality: Float[Tensor, " b"], subsampled: Bool[Tensor, " b"]) -> Light:
    """Compresses pictures, sRGB in [0, 1], and returns what a viewer would show.

    `quality` is from 1 to 100; `subsampled` ones keep a quarter of the color (4:2:0).
    """
    height, width = images.shape[-2:]
    unit = 2 * BLOCK
    padding = (0, -width % unit, 0, -height % unit)
    matrix = torch.tensor(TO_YCC, device=images.device)
    padded = functional.pad(images, padding, mode="replicate") * 255
    planes = torch.einsum("ij,bjhw->bihw", matrix, padded)
    # Luma is centered on zero as color differences are.
    planes = planes - torch.tensor([128.0, 0, 0], device=images.device)[:, None, None]

    luma_steps, chroma_steps = (
        _scaled(torch.tensor(table), quality).round().clamp(1, 255) for table in (LUMA, CHROMA)
    )
    luma = _quantized(planes[:, :1], luma_steps)
    full = _quantized(planes[:, 1:], chroma_steps)
    small = _quantized(functional.avg_pool2d(planes[:, 1:], 2), chroma_steps)
    # Libraries smooth what they enlarge ("fancy upsampling").
    small = functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    chroma = torch.where(subsampled[:, None, None, None], small, full)

    planes = torch.cat([luma + 128, chroma], dim=1)
    rgb = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(matrix), planes) / 255
    return rgb[..., :height, :width].clamp(0, 1)


def diffjpeg(images: Light, quality: Float[Tensor, " b"]) -> Light:
    """Compresses pictures as Real-ESRGAN's training does, which is not quite what coders do.

    The tables are not rounded and have their axes swapped, color is always subsampled, and enlarged
    by repeating it; beyond its borders a picture is black. Source: "DiffJPEG" in BasicSR 1.4.2.
    """
    height, width = images.shape[-2:]
    unit = 2 * BLOCK
    matrix = torch.tensor(TO_YCC, device=images.device, dtype=images.dtype)
    padded = functional.pad(images, (0, -width % unit, 0, -height % unit)) * 255
    planes = torch.einsum("ij,bjhw->bihw", matrix, padded)
    luma_steps, chroma_steps = (_scaled(torch.tensor(table).T, quality) for table in (LUMA, CHROMA))
    luma = _quantized(planes[:, :1] - 128, luma_steps) + 128
    chroma = _quantized(functional.avg_pool2d(planes[:, 1:], 2), chroma_steps)
    chroma = functional.interpolate(chroma, scale_factor=2)
    rgb = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(matrix), torch.cat([luma, chroma], 1))
    return rgb[..., :height, :width].clamp(0, 255) / 255


def _scaled(table: Int[Tensor, "u v"], quality: Float[Tensor, " b"]) -> Float[Tensor, "b u v"]:
    """Scales a table by quality as the Independent JPEG Group does."""
    factor = torch.where(quality < 50, 5000 / quality.clamp_min(1), 200 - 2 * quality) / 100
    return table.to(quality.device) * factor[:, None, None]


def _quantized(
    planes: Float[Tensor, "b p h w"], steps: Float[Tensor, "b u v"]
) -> Float[Tensor, "b p h w"]:
    dct = _dct(planes.device)
    steps = rearrange(steps, "b u v -> b 1 1 1 u v")
    blocks = rearrange(planes, "b p (i u) (j v) -> b p i j u v", u=BLOCK, v=BLOCK)
    dequantized = ((dct @ blocks @ dct.T) / steps).round() * steps
    return rearrange(dct.T @ dequantized @ dct, "b p i j u v -> b p (i u) (j v)")


def _dct(device: torch.device) -> Float[Tensor, "u v"]:
    frequency = torch.arange(BLOCK, device=device, dtype=torch.float32)
    position = repeat(frequency, "v -> u v", u=BLOCK)
    waves = torch.cos((2 * position + 1) * frequency[:, None] * math.pi / (2 * BLOCK))
    waves[0] *= math.sqrt(0.5)
    return waves * math.sqrt(2 / BLOCK)
