"""Damage that models are measured against: as strong as it is named, the same for a seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.damages import (
    DAMAGES,
    damaged_case,
    damaged_scale,
    damaged_task,
)


@pytest.fixture
def pair(astronaut: np.ndarray, tmp_path: Path) -> TrainingPair:
    path = tmp_path / "photo.png"
    Image.fromarray(astronaut[60:188, 170:298]).save(path)
    return TrainingPair("photo.png", path, None)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_seed_and_a_name_mean_the_same_damage(damage: str, pair: TrainingPair) -> None:
    first, again = (damaged_case(pair, damage, 0) for _ in range(2))
    assert torch.equal(first.degraded, again.degraded)
    side = 128 // damaged_scale(damage)
    assert (first.degraded.shape, first.sharp.shape) == ((3, side, side), (3, 128, 128))
    assert first.kernel is None
    assert (first.mask is not None) == (damaged_task(damage) == "inpaint")
    if first.scale == 1:
        sound = damage in ("soft", "none")
        assert sound == (metrics.psnr(first.degraded, first.sharp) > 50)


@pytest.mark.parametrize(("damage", "sigma"), [("gaussian-10", 10), ("gaussian-25", 25)])
def test_noise_is_as_strong_as_its_name_says(damage: str, sigma: float, pair: TrainingPair) -> None:
    case = damaged_case(pair, damage, 0)
    inner = (case.sharp > 80) & (case.sharp < 175)  # where nothing is clipped
    noise = (case.degraded.double() - case.sharp.double())[inner]
    assert noise.std().item() == pytest.approx(sigma, rel=0.03)


def test_sound_pictures_are_themselves(pair: TrainingPair) -> None:
    assert (
        metrics.psnr(*(getattr(damaged_case(pair, "none", 0), n) for n in ("degraded", "sharp")))
        == 100
    )
    soft, sharp = (damaged_case(pair, damage, 0).sharp.double() for damage in ("soft", "none"))
    assert soft.diff(dim=-1).abs().mean() < 0.8 * sharp.diff(dim=-1).abs().mean()


def test_a_picture_smaller_than_its_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tiny.png"
    Image.new("RGB", (12, 12)).save(path)
    with pytest.raises(BadRequest, match=r"smaller than the damage: `tiny\.png`"):
        damaged_case(TrainingPair("tiny.png", path, None), "frames", 0)


def test_a_worn_small_picture_is_worse_than_a_small_one(pair: TrainingPair) -> None:
    small, worn = (damaged_case(pair, damage, 0) for damage in ("x4", "worn-x4"))
    assert torch.equal(small.sharp, worn.sharp)
    assert metrics.psnr(worn.degraded, small.degraded) < 33


def test_holes_are_black_and_all_else_is_as_it_was(pair: TrainingPair) -> None:
    case = damaged_case(pair, "tear", 0)
    assert case.mask is not None
    assert 0 < case.mask.float().mean() <= 0.5
    assert not case.degraded[:, case.mask].any()
    assert torch.equal(case.degraded[:, ~case.mask], case.sharp[:, ~case.mask])
