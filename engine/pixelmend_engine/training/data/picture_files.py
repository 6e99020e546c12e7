"""Image files as training and evaluation see them: sRGB, 8 bit, upright, without transparency."""

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor

from pixelmend.errors import BadImage
from pixelmend_engine.images import files as images
from pixelmend_engine.images import kinds
from pixelmend_engine.images.color import color_space


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
