"""DiffBIR's first stage: a network takes noise, blur and artifacts away before anything is made up.

Sizes are the published ones.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.nn import gaussian_tiles
from pixelmend_engine.nn.rrdb import RRDBNet
from pixelmend_engine.nn.scunet import SCUNet
from pixelmend_engine.nn.swinir import SwinIR

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [0, 1]
Resized = Float[Tensor, "b 3 hs ws"]
CleanerNetwork = SwinIR | RRDBNet | SCUNet


def clean(
    network: CleanerNetwork,
    image: Pictures,
    size: tuple[int, int],
    least: int,
    tile: int | None,
    device: torch.device,
) -> Resized:
    """Cleans a picture for a result of that size; the short side is at least `least` pixels.

    A network that enlarges by itself is given the picture as it is, the others one that has been
    enlarged to `size`. The result lies where the picture does.
    """
    if isinstance(network, RRDBNet):
        cleaned = _run(network, image, tile, device)
        return raised(cleaned, least) if min(size) < least else resized(cleaned, size)
    image = resized(image, size).clamp(0, 1)
    if isinstance(network, SCUNet) or count(image.shape[-2], image.shape[-1], tile) > 1:
        # In tiles, the published code raises afterwards; SCUNet sees pictures as they are.
        return raised(_run(network, image, tile, device), least)
    return _run(network, raised(image, least), None, device)


def _run(
    network: CleanerNetwork, image: Pictures, tile: int | None, device: torch.device
) -> Resized:
    scale = network.scale if isinstance(network, RRDBNet) else 1

    def part(piece: Pictures, _top: int = 0, _left: int = 0) -> Resized:
        height, width = piece.shape[-2:]
        padded = padded_to(piece.to(device), network.multiple)
        result = network(padded)[..., : height * scale, : width * scale]
        return result.float().to(image.device)

    if count(image.shape[-2], image.shape[-1], tile) == 1:
        return part(image)
    assert tile is not None
    return gaussian_tiles.fused(part, image, tile, tile // 2, scale)


def count(height: int, width: int, tile: int | None) -> int:
    """Returns how often a network is called for a picture of that size."""
    if tile is None:
        return 1
    return gaussian_tiles.count(height, width, tile, tile // 2)


def raised(image: Pictures, least: int) -> Resized:
    """Enlarges a picture whose short side is less than that."""
    return resized(image, raised_size(image.shape[-2], image.shape[-1], least))


def raised_size(height: int, width: int, least: int) -> tuple[int, int]:
    """Returns the size that a picture of that size is raised to."""
    short = min(height, width)
    if short >= least:
        return height, width
    return int(height * least / short), int(width * least / short)


def resized(image: Pictures, size: tuple[int, int]) -> Resized:
    """Resizes by cubic convolution, smoothed where it shrinks, as Pillow does."""
    if tuple(image.shape[-2:]) == size:
        return image
    return functional.interpolate(
        image, size=size, mode="bicubic", align_corners=False, antialias=True
    )


def padded_to(
    image: Float[Tensor, "b c h w"], multiple: int, across: int | None = None
) -> Float[Tensor, "b c hs ws"]:
    """Adds zeros to the right and below until both sides are multiples; the width of its own."""
    height, width = image.shape[-2:]
    return functional.pad(image, (0, -width % (across or multiple), 0, -height % multiple))
