"""Baselines undo what they are made for."""

import numpy as np
import pytest
import torch

from pixelmend_engine.images.color import decode, encode
from pixelmend_engine.training.evaluation import baselines, metrics


def psnr(picture: np.ndarray, sharp: np.ndarray) -> float:
    a, b = (torch.from_numpy(p.copy()).permute(2, 0, 1) for p in (picture, sharp))
    return metrics.psnr(a, b)


@pytest.fixture
def sharp(astronaut: np.ndarray) -> np.ndarray:
    return astronaut[60:140, 180:270]


@pytest.fixture
def blurred(sharp: np.ndarray) -> np.ndarray:
    """Blurred in linear light by the kernel that is assumed."""
    kernel = baselines.assumed_kernel()
    light = decode(np.pad(sharp / np.float32(255), ((4, 4), (4, 4), (0, 0)), "reflect"))
    height, width, _ = sharp.shape
    total = np.zeros(sharp.shape, np.float32)
    for row in range(9):
        for column in range(9):
            total += kernel[row, column] * light[row : row + height, column : column + width]
    return np.rint(encode(total) * 255).astype(np.uint8)


def test_the_assumed_kernel_keeps_the_light() -> None:
    assert baselines.assumed_kernel().sum() == pytest.approx(1)


def test_each_makes_such_a_picture_sharper(sharp: np.ndarray, blurred: np.ndarray) -> None:
    kernel = baselines.assumed_kernel()
    before = psnr(blurred, sharp)
    assert psnr(baselines.apply_unsharp_mask(blurred), sharp) > before + 0.5
    assert psnr(baselines.deconvolve_richardson_lucy(blurred, kernel), sharp) > before + 0.5
    assert psnr(baselines.deconvolve_wiener(blurred, kernel, 0), sharp) > before + 0.5


def test_non_local_means_takes_noise_away_and_leaves_what_has_none(sharp: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(0, 20, sharp.shape)
    noisy = np.rint(np.clip(sharp + noise, 0, 255)).astype(np.uint8)
    assert psnr(baselines.denoise_non_local_means(noisy), sharp) > psnr(noisy, sharp) + 3
    flat = np.full((40, 40, 3), 90, np.uint8)
    np.testing.assert_array_equal(baselines.denoise_non_local_means(flat), flat)


def test_wiener_draws_the_same_for_a_seed(blurred: np.ndarray) -> None:
    kernel = baselines.assumed_kernel()
    first, again = (baselines.deconvolve_wiener(blurred, kernel, 3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
