"""Image files as training and evaluation see them: sRGB, 8 bit, upright, without transparency."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from pixelmend.errors import BadImage
from pixelmend_engine.images import files as images
from pixelmend_engine.images import kinds
from pixelmend_engine.images.color import color_space

Picture = UInt8[Tensor, "3 h w"]
Read = Callable[[Path], Picture]


def read_rgb8(path: Path) -> UInt8[Tensor, "3 h w"]:
    """Reads a picture's colors as a screen would show them.

    Raises:
        BadImage: It can't be read; see `images.read`.
        UnsupportedImage: As for `images.read`.
    """
    photo = images.read(path)
    samples = photo.pixels[..., : 3 if photo.channels.startswith("RGB") else 1]
    white = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max)
    space, _ = color_space(images.to_raster(photo))
    values = np.nan_to_num(samples.astype(np.float32)) / np.float32(white)
    srgb = np.clip(space.to_srgb(np.ascontiguousarray(values)), 0, 1)
    rgb = torch.from_numpy(np.rint(srgb * 255).astype(np.uint8))
    return rearrange(rgb, "h w c -> c h w").contiguous()


def read_middle(path: Path, side: int) -> UInt8[Tensor, "3 n n"]:
    """Reads the middle of a picture that is made as small as its short side may have pixels.

    A larger one is halved by averaging as long as it is twice as large, then resized by cubic
    convolution, as guided-diffusion does. Source: the published code of DiffBIR.

    Raises:
        BadImage: It is smaller than that, or can't be read; see `read_rgb8`.
    """
    picture = Image.fromarray(rearrange(read_rgb8(path), "c h w -> h w c").numpy())
    if min(picture.size) < side:
        raise BadImage(
            f"The picture has fewer than {side} pixels on a side: `{path.name}`",
            hint="Leave it out, or take a larger copy",
        )
    while min(picture.size) >= 2 * side:
        half = (picture.width // 2, picture.height // 2)
        picture = picture.resize(half, Image.Resampling.BOX)
    factor = side / min(picture.size)
    size = (round(picture.width * factor), round(picture.height * factor))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = ((length - side) // 2 for length in picture.size)
    middle = picture.crop((left, top, left + side, top + side))
    return rearrange(torch.from_numpy(np.array(middle)), "h w c -> c h w").contiguous()


def short_side(path: Path) -> int:
    """Returns how many pixels the short side of a picture has.

    Raises:
        BadImage: It can't be read; see `read_rgb8`.
    """
    try:
        with Image.open(path) as picture:
            return min(picture.size)
    except (OSError, Image.DecompressionBombError, ValueError):
        return min(read_rgb8(path).shape[1:])  # of a format that Pillow does not know, or damaged


def list_pictures(folder: Path) -> list[Path]:
    """Lists the pictures in a folder and all folders in it, by their paths.

    Raises:
        BadImage: There are none.
    """
    paths = sorted(path for path in folder.rglob("*") if kinds.is_picture(path.name))
    paths = [path for path in paths if path.name[0] != "."]
    if not paths:
        raise BadImage(
            f"There are no pictures in the folder `{folder}`",
            hint=f"Name a folder with {kinds.READABLE_NAMES} files",
        )
    return paths
