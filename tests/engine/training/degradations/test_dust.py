"""Dust: as much as is asked for, light and dark, and the picture between it untouched."""

import torch

from pixelmend_engine.training.degradations.dust import strew

GRAY = torch.full((2, 3, 100, 200), 0.5)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_no_dust_is_the_picture() -> None:
    assert torch.equal(strew(GRAY, torch.zeros(2), seeded()), GRAY)


def test_each_picture_has_its_own_share() -> None:
    dusty = strew(GRAY, torch.tensor([5.0, 60.0]), seeded())
    changed = (dusty != 0.5).any(dim=1).float().mean(dim=(1, 2))
    assert 0 < changed[0] < 0.1
    assert changed[1] > 4 * changed[0]
    assert (dusty > 0.6).any()
    assert (dusty < 0.4).any()
    assert dusty.min() >= 0
    assert dusty.max() <= 1


def test_the_original_is_not_written_to_and_a_seed_means_the_same_dust() -> None:
    first, second = (strew(GRAY, torch.full((2,), 20.0), seeded()) for _ in range(2))
    assert torch.equal(first, second)
    assert (GRAY == 0.5).all()
