"""Real-ESRGAN's degradation: sizes, seeds, noise as strong as it is meant, sharpened targets."""

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from pixelmend_engine.training.degradations import real_esrgan, real_esrgan_kernels
from pixelmend_engine.training.degradations.random_source import RandomSource
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings, degrade
from pixelmend_engine.training.degradations.unsharp_mask import sharpen

SIDE, PATCH = 160, 64


@pytest.fixture
def pictures(astronaut: np.ndarray) -> Tensor:
    crops = [astronaut[top : top + SIDE, 150 : 150 + SIDE] for top in (0, 100)]
    return torch.stack([torch.from_numpy(crop).permute(2, 0, 1) for crop in crops]) / 255


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_crops_have_their_sizes_and_a_seed_means_the_same_pictures(
    pictures: Tensor, scale: Literal[1, 2, 4]
) -> None:
    settings = RealESRGANSettings(scale=scale, side=SIDE)
    first, again, other = (degrade(pictures, settings, PATCH, generator(s)) for s in (1, 1, 2))
    assert first.lq.shape == (2, 3, PATCH // scale, PATCH // scale)
    assert first.hq.shape == (2, 3, PATCH, PATCH)
    assert first.real is None
    assert torch.equal(first.lq, again.lq)
    assert first.lq.shape != other.lq.shape or not torch.equal(first.lq, other.lq)
    assert torch.equal((first.lq * 255).round() / 255, first.lq)  # 8 bit, as files are


def test_the_crops_lie_at_the_same_place(pictures: Tensor) -> None:
    # Over many draws the worse pictures are, on average, the good ones made smaller.
    actual = [
        degrade(pictures, RealESRGANSettings(scale=4, side=SIDE), PATCH, generator(s))
        for s in range(8)
    ]
    for batch in actual:
        reduced = torch.nn.functional.avg_pool2d(batch.hq, 4)
        shifted = reduced.roll((4, 4), dims=(-2, -1))
        assert (batch.lq - reduced).abs().mean() < (batch.lq - shifted).abs().mean()


def test_sharpened_targets_come_with_what_is_real(pictures: Tensor) -> None:
    plain, sharp = (
        degrade(pictures, RealESRGANSettings(scale=4, side=SIDE, sharpened=s), PATCH, generator())
        for s in (False, True)
    )
    assert sharp.real is not None
    assert torch.equal(sharp.real, plain.hq)
    whole = sharpen(pictures)
    # The same place of the sharpened picture, wherever that was.
    places = [
        (row, column)
        for row in range(SIDE - PATCH + 1)
        for column in range(SIDE - PATCH + 1)
        if torch.equal(whole[..., row, column], sharp.hq[..., 0, 0])
    ]
    assert any(torch.equal(whole[..., r : r + PATCH, c : c + PATCH], sharp.hq) for r, c in places)
    assert (sharp.hq - plain.hq).abs().max() > 0.02


def test_gray_noise_is_the_same_in_all_channels_and_colored_is_not(pictures: Tensor) -> None:
    gray = torch.tensor([True, False])
    for draw in (real_esrgan.gaussian_noise, real_esrgan.poisson_noise):
        noise = draw(pictures, gray, generator())
        assert torch.equal(noise[0, 0], noise[0, 1])
        assert not torch.equal(noise[1, 0], noise[1, 1])
        assert noise[1].mean().abs() < 0.01


def test_counting_is_as_noisy_as_the_number_of_levels_says() -> None:
    flat = torch.full((1, 3, 128, 128), 128 / 255)
    flat[..., :64] = 64 / 255  # two values: two levels
    noise = real_esrgan.poisson_noise(flat, torch.tensor([False]), generator())
    for part, value in ((noise[..., :64], 64 / 255), (noise[..., 64:], 128 / 255)):
        assert part.var().item() == pytest.approx(value / 2, rel=0.1)


def test_kernels_sum_to_one_and_are_drawn_as_often_as_said() -> None:
    rng = RandomSource(generator())
    kernels = torch.stack([real_esrgan_kernels.random_kernel((0.2, 3.0), rng) for _ in range(400)])
    assert torch.allclose(kernels.sum(dim=(1, 2)), torch.ones(400), atol=1e-5)
    ringing = (kernels < -1e-6).any(dim=2).any(dim=1).float().mean()
    assert ringing.item() == pytest.approx(0.1, abs=0.05)
    finals = torch.stack([real_esrgan_kernels.random_final_kernel(rng) for _ in range(400)])
    alone = (finals[:, 10, 10] == 1).float().mean()
    assert alone.item() == pytest.approx(0.2, abs=0.06)
