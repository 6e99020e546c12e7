"""Blurring with kernels that change from corner to corner."""

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.degradations.motion_kernels import Kernels

Light = Float[Tensor, "b 3 h w"]  # linear

CORNERS = ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))  # in heights and widths, from center


def blur(light: Light, *factors: Kernels) -> Light:
    """Convolves pictures with each of the factors' kernels in turn, in one go.

    A factor has one kernel for a whole picture, or one for each of `CORNERS`; between these the
    results are blended linearly. The picture is taken to repeat itself beyond its borders: give as
    many pixels more on each side as the kernels reach, and cut them off.
    """
    height, width = light.shape[-2:]
    transfer = _transfer(factors[0], height, width)
    for factor in factors[1:]:
        transfer = transfer * _transfer(factor, height, width)
    spectrum = _rfft2(light)[:, None] * transfer[:, :, None]
    blurred = _irfft2(spectrum, height, width)
    if blurred.shape[1] == 1:
        return blurred[:, 0]
    weights = _corner_weights(height, width, light.device)
    return torch.einsum("bnchw,nhw->bchw", blurred, weights)


def _transfer(kernels: Kernels, height: int, width: int) -> Tensor:
    reach = kernels.shape[-1] // 2
    padded = kernels.new_zeros(*kernels.shape[:2], height, width)
    padded[..., : kernels.shape[-2], : kernels.shape[-1]] = kernels
    # The kernel's center goes to the first pixel, so that nothing moves.
    return _rfft2(padded.roll((-reach, -reach), dims=(-2, -1)))


def _rfft2(values: Tensor) -> Tensor:
    return torch.fft.rfft2(values)  # pyright: ignore[reportUnknownVariableType] - no stub


def _irfft2(spectrum: Tensor, height: int, width: int) -> Tensor:
    return torch.fft.irfft2(spectrum, s=(height, width))  # pyright: ignore[reportUnknownVariableType] - no stub


def _corner_weights(height: int, width: int, device: torch.device) -> Float[Tensor, "n h w"]:
    down = torch.linspace(0, 1, height, device=device)[:, None]
    right = torch.linspace(0, 1, width, device=device)
    shares = [
        (down if corner[0] > 0 else 1 - down) * (right if corner[1] > 0 else 1 - right)
        for corner in CORNERS
    ]
    return torch.stack(shares)


def corner_positions(height: int, width: int, device: torch.device) -> Float[Tensor, "n 2"]:
    """Returns where `CORNERS` are, in pixels (down, right) from the center."""
    size = torch.tensor([height, width], dtype=torch.float32, device=device)
    return torch.tensor(CORNERS, device=device) * size
