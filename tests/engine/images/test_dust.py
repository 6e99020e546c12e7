"""Dust of scanned film is found where infrared does not come through."""

import numpy as np
import pytest

from pixelmend.errors import UnsupportedImage
from pixelmend_engine.images import dust
from pixelmend_engine.images.image_file import ImageFile


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_specks_and_scratches_are_marked_and_nothing_else(dtype: str) -> None:
    white = 1 if dtype == "float32" else np.iinfo(dtype).max
    noise = np.random.default_rng(0).normal(0, 0.01, (200, 300))
    even = np.linspace(0.7, 0.9, 300) + noise  # lamps are brighter in the middle
    even[50:54, 80:84] = 0.2
    even[20:180, 200] = 0.4
    infrared = (even.clip(0, 1) * white).astype(dtype)
    photo = ImageFile(pixels=np.zeros((200, 300, 3), dtype), further=infrared[..., None])
    mask = dust.find(photo, "film.tif")
    assert mask[50:54, 80:84].all()
    assert mask[20:180, 200].all()
    mask[46:58, 76:88] = 0
    mask[15:185, 195:206] = 0
    assert not mask.any()


def test_a_picture_without_infrared_is_refused() -> None:
    photo = ImageFile(pixels=np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(UnsupportedImage, match="has no infrared channel"):
        dust.find(photo, "film.tif")
