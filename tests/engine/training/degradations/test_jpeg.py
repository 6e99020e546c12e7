"""Simulated compression leaves what a real encoder and decoder leave."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pixelmend_engine.training.degradations import jpeg
from pixelmend_engine.training.evaluation import metrics


def through_a_file(picture: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(file) as image:
        return np.array(image)


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("subsampled", [False, True])
def test_it_is_what_a_real_file_shows(
    astronaut: np.ndarray, quality: int, subsampled: bool
) -> None:
    picture = astronaut[64:160, 180:300]
    image = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
    ours = jpeg.compress(image, torch.tensor([float(quality)]), torch.tensor([subsampled]))
    real = through_a_file(picture, quality, 2 if subsampled else 0)
    theirs = torch.from_numpy(real).permute(2, 0, 1)
    damage = metrics.psnr(theirs, metrics.to_uint8(image[0]))
    likeness = metrics.psnr(metrics.to_uint8(ours[0]), theirs)
    # Coders round colors to whole numbers first, and smooth what they enlarge each in its own way:
    # that difference is 4 dB and more below the damage that is simulated.
    assert likeness > damage + 4


def test_each_picture_has_its_own_quality_and_any_size() -> None:
    image = torch.rand(1, 3, 21, 35, generator=torch.Generator().manual_seed(0)).expand(
        2, -1, -1, -1
    )
    low, high = jpeg.compress(image, torch.tensor([20.0, 99.0]), torch.tensor([True, False]))
    assert low.shape == (3, 21, 35)
    assert (low - image[0]).abs().mean() > 3 * (high - image[0]).abs().mean()
