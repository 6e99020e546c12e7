"""What methods are measured on: blur that is the same for a seed and a name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.cases import BlurSettings, make_case, read_kernels


@pytest.fixture
def pair(photo: Path) -> TrainingPair:
    return TrainingPair(photo.name, photo)


def test_a_shake_is_the_same_for_a_seed_and_a_name(pair: TrainingPair) -> None:
    first, again = make_case(pair, BlurSettings()), make_case(pair, BlurSettings())
    assert torch.equal(first.degraded, again.degraded)
    other = make_case(TrainingPair("another.png", pair.sharp), BlurSettings())
    assert not torch.equal(first.degraded, other.degraded)
    assert not torch.equal(first.degraded, make_case(pair, BlurSettings(seed=1)).degraded)
    assert metrics.psnr(first.degraded, first.sharp) < 32


def test_without_shake_there_is_the_noise_alone(pair: TrainingPair) -> None:
    still = make_case(pair, BlurSettings(length=(0.0, 0.0)))
    difference = still.degraded.float() - still.sharp.float()
    # 12,096 samples, rounded to whole levels, which adds 1/12 to the variance.
    assert difference.std().item() == pytest.approx((4 + 1 / 12) ** 0.5, rel=0.05)
    assert torch.equal(
        make_case(pair, BlurSettings(length=(0.0, 0.0), noise=0.0)).degraded, still.sharp
    )


def test_kernels_are_read_and_used(pair: TrainingPair, tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    line = np.zeros((9, 12), np.uint8)
    line[4, 5:8] = 255
    Image.fromarray(line).save(tmp_path / "kernels" / "line.png")
    (kernel,) = read_kernels(tmp_path / "kernels")
    assert kernel.shape == (13, 13)
    assert kernel.sum().item() == pytest.approx(1)
    case = make_case(pair, BlurSettings(kernels=(kernel,), noise=0.0))
    assert case.kernel is not None
    assert torch.equal(case.kernel, kernel)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "kernels" / "black.png")
    with pytest.raises(BadRequest, match="is black"):
        read_kernels(tmp_path / "kernels")


def test_a_picture_smaller_than_its_blur_is_told(pair: TrainingPair) -> None:
    with pytest.raises(BadRequest, match="smaller than the blur"):
        make_case(pair, BlurSettings(length=(3.0, 60.0)))
