"""Pixels are turned as a viewer turns them."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from pixelmend_engine.images.image_file import ImageFile, upright


@pytest.mark.parametrize("orientation", range(10))
def test_pixels_are_turned_as_viewers_do(orientation: int, small: Image.Image) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    small.info["exif"] = exif.tobytes()
    expected = ImageOps.exif_transpose(small)
    turned = upright(np.asarray(small), orientation)
    np.testing.assert_array_equal(turned, np.asarray(expected))
    assert turned.flags.c_contiguous


def test_bytes_come_in_the_machines_order() -> None:
    pixels = np.arange(24, dtype=">u2").reshape(2, 4, 3)
    turned = upright(pixels, 1)
    assert turned.dtype == np.uint16
    np.testing.assert_array_equal(turned, pixels)


@pytest.mark.parametrize(("channels", "name"), [(1, "Y"), (2, "YA"), (3, "RGB"), (4, "RGBA")])
def test_the_last_channel_may_be_alpha(channels: int, name: str) -> None:
    photo = ImageFile(pixels=np.full((8, 8, channels), 7, np.float16))
    assert (photo.channels, photo.sample_type) == (name, "F16")
    assert (photo.alpha is None) == (channels % 2 == 1)
