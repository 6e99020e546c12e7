"""Mixtures: each picture gets one kind of damage, as often as its share says, in its place."""

import dataclasses

import pytest
import torch

from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.mixture import NOTHING, MixtureSettings

NOISY = dataclasses.replace(NOTHING, grain=(0.1, 0.1))
SMEARED = dataclasses.replace(NOTHING, untouched_share=0.0, soft_share=1.0, soft=(2.0, 2.0))


def mixed(*parts: tuple[float, object], count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    settings = MixtureSettings(parts=parts)  # pyright: ignore[reportArgumentType]
    side = degrade.source_crop(settings, 24).full_side
    ramp = torch.linspace(0.2, 0.8, side).expand(count, 3, side, side)
    batch = degrade.degrade(ramp, settings, 24, torch.Generator().manual_seed(0))
    return batch.lq, batch.hq


def test_one_kind_of_damage_a_picture() -> None:
    lq, hq = mixed((0.75, NOISY), (0.25, NOTHING))
    noise = (lq - hq).std(dim=(1, 2, 3))
    untouched = (noise < 0.01).float().mean().item()
    assert 0.1 < untouched < 0.45
    assert (noise[noise >= 0.01] > 0.08).all()


def test_pictures_stay_in_place_whatever_reach_their_damage_has() -> None:
    assert degrade.source_crop(MixtureSettings(parts=((1.0, NOTHING),)), 24).margin < 3
    lq, hq = mixed((0.5, SMEARED), (0.5, NOTHING))
    assert lq.shape == hq.shape == (40, 3, 24, 24)
    assert torch.allclose(hq, hq[:1].expand_as(hq))
    assert torch.allclose(lq, hq, atol=1 / 255 + 1e-6)  # a ramp is what smearing leaves as it is


def test_shares_are_all_of_it() -> None:
    with pytest.raises(AssertionError):
        MixtureSettings(parts=((0.5, NOTHING),))
