"""DiffBIR's first stage, degradation removal: noise, blur and artifacts go, nothing is made up.

Source: Lin et al., DiffBIR, arXiv:2308.15070, section 3.1. Sizes are the published ones.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.nn import gaussian_blending
from pixelmend_engine.nn.rrdb import RRDBNet
from pixelmend_engine.nn.scunet import SCUNet
from pixelmend_engine.nn.swinir import SwinIR

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [0, 1]
Resized = Float[Tensor, "b 3 hs ws"]
RestorationNetwork = SwinIR | RRDBNet | SCUNet


def remove_degradation(
    network: RestorationNetwork,
    image: Pictures,
    size: tuple[int, int],
    min_side: int,
    tile: int | None,
    device: torch.device,
) -> Resized:
    """Restores a picture for a result of that size; its short side has at least `min_side` pixels.

    A network that enlarges by itself is given the picture as it is, the others one that has been
    enlarged to `size`. The result lies where the picture does.
    """
    if isinstance(network, RRDBNet):
        restored = _run(network, image, tile, device)
        return (
            with_min_side(restored, min_side) if min(size) < min_side else resized(restored, size)
        )
    image = resized(image, size).clamp(0, 1)
    if isinstance(network, SCUNet) or tile_count(image.shape[-2], image.shape[-1], tile) > 1:
        # In tiles, the published code enlarges afterwards; SCUNet sees pictures as they are.
        return with_min_side(_run(network, image, tile, device), min_side)
    return _run(network, with_min_side(image, min_side), None, device)


def _run(
    network: RestorationNetwork, image: Pictures, tile: int | None, device: torch.device
) -> Resized:
    scale = network.scale if isinstance(network, RRDBNet) else 1

    def restore(tile: Pictures, _top: int = 0, _left: int = 0) -> Resized:
        height, width = tile.shape[-2:]
        padded = padded_to(tile.to(device), network.multiple)
        result = network(padded)[..., : height * scale, : width * scale]
        return result.float().to(image.device)

    if tile_count(image.shape[-2], image.shape[-1], tile) == 1:
        return restore(image)
    assert tile is not None
    return gaussian_blending.fused(restore, image, tile, tile // 2, scale)


def tile_count(height: int, width: int, tile: int | None) -> int:
    """Returns how often a network is called for a picture of that size."""
    if tile is None:
        return 1
    return gaussian_blending.count(height, width, tile, tile // 2)


def with_min_side(image: Pictures, min_side: int) -> Resized:
    """Enlarges a picture whose short side has less than `min_side` pixels."""
    return resized(image, size_with_min_side(image.shape[-2], image.shape[-1], min_side))


def size_with_min_side(height: int, width: int, min_side: int) -> tuple[int, int]:
    """Returns the size that a picture of that size is enlarged to."""
    short = min(height, width)
    if short >= min_side:
        return height, width
    return int(height * min_side / short), int(width * min_side / short)


def resized(image: Pictures, size: tuple[int, int]) -> Resized:
    """Resizes by cubic convolution, smoothed where it shrinks, as Pillow does."""
    if tuple(image.shape[-2:]) == size:
        return image
    return functional.interpolate(
        image, size=size, mode="bicubic", align_corners=False, antialias=True
    )


def padded_to(
    image: Float[Tensor, "b c h w"], multiple: int, width_multiple: int | None = None
) -> Float[Tensor, "b c hs ws"]:
    """Pads with zeros, right and below, to sides that are multiples; the width of its own."""
    height, width = image.shape[-2:]
    padding = (0, -width % (width_multiple or multiple), 0, -height % multiple)
    return functional.pad(image, padding)
