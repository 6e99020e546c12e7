"""Thin holes: of every kind that is named, as wide as is said, and never most of a picture."""

import cv2
import numpy as np
import pytest
import torch

from pixelmend_engine.training.degradations.random_source import RandomSource
from pixelmend_engine.training.degradations.scratch_masks import (
    KINDS,
    MOST_SHARE,
    ScratchMaskSettings,
    degrade,
    draw_mask,
)


def rng(seed: int) -> RandomSource:
    return RandomSource(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_leaves_holes_no_wider_than_it_says(kind: str) -> None:
    settings = ScratchMaskSettings(
        kinds=(kind,), scratches=(1.0, 1.0), specks=(1.0, 1.0), wires=(1.0, 1.0)
    )
    widest = {"scratches": 7, "specks": 18, "wires": 12, "tear": 64}[kind]
    for seed in range(20):
        mask = draw_mask(128, 128, settings, rng(seed))
        assert mask.shape == (1, 128, 128)
        assert 0 < mask.mean() <= MOST_SHARE
        canvas = np.pad(mask[0].numpy().astype(np.uint8), 64)
        across = 2 * cv2.distanceTransform(canvas, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()
        assert across <= widest + 3  # lines that turn are wider on the inside


def test_holes_are_black_and_marked_and_the_same_for_a_seed() -> None:
    pictures = torch.rand(3, 3, 64, 96) + 0.1
    first, again = (
        degrade(pictures, ScratchMaskSettings(), torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first.lq, again.lq)
    assert torch.equal(first.hq, pictures)
    holes = first.lq[:, 3:]
    assert torch.equal(holes, (holes > 0.5).float())
    assert 0 < holes.mean() < 1
    assert torch.equal(first.lq[:, :3], pictures * (1 - holes))


def test_large_pictures_have_more_scratches() -> None:
    settings = ScratchMaskSettings(kinds=("specks",), speck=(2.0, 2.0), specks=(5.0, 5.0))
    small = draw_mask(128, 128, settings, rng(1)).sum()
    large = draw_mask(512, 512, settings, rng(1)).sum()
    assert large > 8 * small


def test_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(AssertionError):
        ScratchMaskSettings(kinds=("holes",))
