"""Reduced pictures are those that Pillow makes, wherever a crop was cut."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from pixelmend_engine.training.degradations.downscaling import DownscalingSettings, degrade
from pixelmend_engine.training.degradations.mixture import NOTHING, MixtureSettings


def test_a_crop_is_that_of_the_reduced_picture(astronaut: np.ndarray) -> None:
    settings = DownscalingSettings(scale=4)
    reach = settings.reach
    small = np.array(Image.fromarray(astronaut).resize((128, 128), Image.Resampling.BICUBIC))
    top, left, patch = 100, 200, 64
    around = astronaut[top - reach : top + patch + reach, left - reach : left + patch + reach]
    batch = degrade(
        torch.from_numpy(around).permute(2, 0, 1)[None] / 255, settings, torch.Generator()
    )
    hq = torch.from_numpy(astronaut[top : top + patch, left : left + patch]).permute(2, 0, 1)
    assert torch.equal((batch.hq[0] * 255).round(), hq.float())
    expected = torch.from_numpy(small[25:41, 50:66]).permute(2, 0, 1)
    # Pillow rounds to 8 bit between its two passes.
    assert ((batch.lq[0] * 255).round() - expected).abs().max() <= 1


def test_a_worn_picture_is_the_reduced_one_made_worse(astronaut: np.ndarray) -> None:
    noisy = MixtureSettings(parts=((1.0, dataclasses.replace(NOTHING, grain=(0.1, 0.1))),))
    worn = DownscalingSettings(scale=2, worn=noisy)
    clean = DownscalingSettings(scale=2)
    picture = torch.from_numpy(astronaut[:200, :200]).permute(2, 0, 1)[None] / 255
    spare = worn.reach - clean.reach
    noise = degrade(picture, worn, torch.Generator().manual_seed(0))
    plain = degrade(
        picture[..., spare : 200 - spare, spare : 200 - spare], clean, torch.Generator()
    )
    assert torch.equal(noise.hq, plain.hq)
    assert noise.lq.shape == plain.lq.shape
    assert (noise.lq - plain.lq).std().item() == pytest.approx(0.1, rel=0.1)
