"""Metrics: those of the papers, in 8 bit."""

# pyright: reportUnknownVariableType=false
# because scikit-image has no types of its own.

from typing import cast

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from pixelmend_engine.training.evaluation import metrics


@pytest.fixture
def picture(astronaut: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(astronaut[60:110, 180:250].copy()).permute(2, 0, 1).contiguous()


@pytest.fixture
def noisy(picture: torch.Tensor) -> torch.Tensor:
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    return metrics.to_uint8(picture / 255 + 0.05 * noise)


def test_rounding_is_to_the_nearest_even_level() -> None:
    image = torch.tensor([-1.0, 0.5 / 255, 1.5 / 255, 0.9999, 2.0])[None, None].expand(3, 1, 5)
    assert metrics.to_uint8(image)[0, 0].tolist() == [0, 0, 2, 255, 255]


def test_psnr_of_one_level_everywhere(picture: torch.Tensor) -> None:
    darker = picture.clamp(1, 255)
    assert metrics.psnr(darker - 1, darker) == pytest.approx(20 * np.log10(255))
    assert metrics.psnr(picture, picture) == metrics.MAX_PSNR


def test_ssim_takes_channels_for_the_third_side_of_a_volume(
    picture: torch.Tensor, noisy: torch.Tensor
) -> None:
    # scikit-image knows volumes, too, but wants them larger than its window: so each side goes on
    # as it ends, here, and what it finds is cut out again.
    radius = metrics.RADIUS
    padded = [np.pad(volume.numpy(), radius, mode="edge") for volume in (noisy, picture)]
    actual = structural_similarity(
        *padded,
        gaussian_weights=True,
        sigma=metrics.SIGMA,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    expected = cast("tuple[float, np.ndarray]", actual)[1]
    inner = expected[radius:-radius, radius:-radius, radius:-radius]
    # Both in float64; scikit-image sums in another order.
    assert metrics.ssim(noisy, picture) == pytest.approx(float(inner.mean()), abs=1e-9)
    assert metrics.ssim(picture, picture) == pytest.approx(1)
