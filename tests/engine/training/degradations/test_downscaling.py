"""Reduced pictures are those that Pillow makes, wherever a crop was cut."""

import numpy as np
import torch
from PIL import Image

from pixelmend_engine.training.degradations.downscaling import DownscalingSettings, degrade


def test_a_crop_is_that_of_the_reduced_picture(astronaut: np.ndarray) -> None:
    settings = DownscalingSettings(scale=4)
    reach = settings.reach
    small = np.array(Image.fromarray(astronaut).resize((128, 128), Image.Resampling.BICUBIC))
    top, left, patch = 100, 200, 64
    around = astronaut[top - reach : top + patch + reach, left - reach : left + patch + reach]
    batch = degrade(torch.from_numpy(around).permute(2, 0, 1)[None] / 255, settings)
    hq = torch.from_numpy(astronaut[top : top + patch, left : left + patch]).permute(2, 0, 1)
    assert torch.equal((batch.hq[0] * 255).round(), hq.float())
    expected = torch.from_numpy(small[25:41, 50:66]).permute(2, 0, 1)
    # Pillow rounds to 8 bit between its two passes.
    assert ((batch.lq[0] * 255).round() - expected).abs().max() <= 1
