"""How near a restored picture is to the sharp one, as papers measure it.

HI-Diff's figures for GoPro and HIDE are MATLAB's `psnr` and `ssim` of 8-bit RGB pictures: nothing
is cut from the borders, and `ssim` takes the three channels for the third side of a volume. Papers
on super-resolution compare the luma alone, without a border.
"""

import torch
from einops import rearrange
from jaxtyping import Float, Float64, UInt8
from torch import Tensor
from torch.nn import functional

WHITE = 255.0
MAX_PSNR = 100.0  # dB, said of equal pictures, so that means stay finite
SIGMA = 1.5  # pixels, of SSIM's window
RADIUS = 5  # pixels; MATLAB's ceil(3 * sigma)
C1, C2 = (0.01 * WHITE) ** 2, (0.03 * WHITE) ** 2  # SSIM, Wang et al. 2004, IEEE TIP 13(4)

Picture = UInt8[Tensor, "3 h w"]
Volume = Float64[Tensor, "3 h w"]
Luma = Float64[Tensor, "h w"]

LUMA, BLACK = (65.481, 128.553, 24.966), 16.0  # ITU-R BT.601, from [0, 1] to 16 and up to 235


def to_uint8(image: Float[Tensor, "3 h w"]) -> Picture:
    """Rounds a picture in [0, 1] to 8 bits, half to even, as it would be saved."""
    return (image.clamp(0, 1) * WHITE).round().to(torch.uint8)


def psnr(picture: Picture, sharp: Picture) -> float:
    """Returns the peak signal-to-noise ratio in dB, over all channels, at most `MAX_PSNR`."""
    return _psnr(picture.double(), sharp.double())


def _psnr(a: Float64[Tensor, "..."], b: Float64[Tensor, "..."]) -> float:
    error = ((a - b) ** 2).mean()
    if error == 0:
        return MAX_PSNR
    return min(MAX_PSNR, float(10 * torch.log10(WHITE**2 / error)))


def ssim(picture: Picture, sharp: Picture) -> float:
    """Returns the structural similarity, at most 1.

    The window is a Gaussian over rows, columns and channels; beyond its borders a picture goes on
    as it ends.
    """
    a, b = picture.double(), sharp.double()
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = _windowed(a * a) - mean_a**2
    variance_b = _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    structure = (2 * covariance + C2) / (variance_a + variance_b + C2)
    return float((luminance * structure).mean())


def luma_psnr_ssim(picture: Picture, sharp: Picture, border: int) -> tuple[float, float]:
    """Returns PSNR in dB and SSIM of the luma, not rounded, without `border` pixels on each side.

    SSIM is taken where its window is whole. Source: BasicSR 1.4.2, with `test_y_channel`.
    """
    a, b = (_luma(image)[border:, border:] for image in (picture, sharp))
    a, b = (plane[: plane.shape[0] - border, : plane.shape[1] - border] for plane in (a, b))
    return _psnr(a, b), _plane_ssim(a, b)


def _luma(picture: Picture) -> Luma:
    weights = torch.tensor(LUMA, dtype=torch.float64)
    return BLACK + torch.einsum("c,chw->hw", weights, picture.double() / WHITE)


def _plane_ssim(a: Luma, b: Luma) -> float:
    window = _window()
    values = torch.stack([a, b, a * a, b * b, a * b])[:, None]
    values = functional.conv2d(values, rearrange(window, "k -> 1 1 k 1"))
    values = functional.conv2d(values, rearrange(window, "k -> 1 1 1 k"))
    mean_a, mean_b, square_a, square_b, product = values[:, 0]
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    covariance = product - mean_a * mean_b
    variances = square_a - mean_a**2 + square_b - mean_b**2
    return float((luminance * (2 * covariance + C2) / (variances + C2)).mean())


def _window() -> Float64[Tensor, " k"]:
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    return window / window.sum()


def _windowed(volume: Volume) -> Volume:
    window = _window()
    padded = functional.pad(volume[None], (RADIUS, RADIUS, RADIUS, RADIUS), mode="replicate")
    planes = rearrange(padded, "1 c h w -> c 1 h w")
    planes = functional.conv2d(planes, rearrange(window, "k -> 1 1 k 1"))
    planes = functional.conv2d(planes, rearrange(window, "k -> 1 1 1 k"))
    # The window is longer than the channels: what lies beyond them counts for the outermost.
    mixing = torch.zeros(3, 3, dtype=torch.float64)
    for channel in range(3):
        for offset, weight in zip(range(-RADIUS, RADIUS + 1), window, strict=True):
            mixing[channel, min(2, max(0, channel + offset))] += weight
    return torch.einsum("ij,jhw->ihw", mixing, planes[:, 0])
