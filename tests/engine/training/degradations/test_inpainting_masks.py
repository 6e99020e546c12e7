"""InpaintingMaskSettings: of the sizes that are asked for, black, and said where they are."""

import torch

from pixelmend_engine.training.degradations.inpainting_masks import (
    InpaintingMaskSettings,
    degrade,
    draw_mask,
)
from pixelmend_engine.training.degradations.random_source import RandomSource

SIDE = 256


def drawn(count: int) -> torch.Tensor:
    rng = RandomSource(torch.Generator().manual_seed(0))
    return torch.stack([draw_mask(SIDE, SIDE, InpaintingMaskSettings(), rng) for _ in range(count)])


def test_masks_are_ones_and_zeros_and_leave_something_to_see() -> None:
    masks = drawn(100)
    assert masks.unique().tolist() == [0.0, 1.0]
    shares = masks.mean(dim=(1, 2, 3))
    assert shares.min() > 0
    assert (shares < 0.95).float().mean() > 0.9
    assert shares.min() < 0.1 < 0.4 < shares.max()


def test_boxes_keep_their_margin_and_their_sizes() -> None:
    rng = RandomSource(torch.Generator().manual_seed(1))
    edges = torch.ones(SIDE, SIDE, dtype=torch.bool)
    edges[10:-10, 10:-10] = False
    boxes = 0
    for _ in range(60):
        mask = draw_mask(SIDE, SIDE, InpaintingMaskSettings(), rng)[0]
        rows = mask[:, mask.any(dim=0)]
        if mask[edges].any() or rows.numel() == 0:
            continue  # strokes
        boxes += 1
        assert 30 * 30 <= mask.sum() <= 4 * 150 * 150
    assert boxes > 15


def test_pictures_are_black_in_holes_and_as_they_were_around() -> None:
    pictures = torch.rand(3, 3, 64, 48, generator=torch.Generator().manual_seed(0)) + 0.1
    settings = InpaintingMaskSettings(length=(5, 40), brush=(3, 12), box=(8, 24), margin=4)
    batch = degrade(pictures, settings, torch.Generator().manual_seed(3))
    hole = batch.lq[:, 3:].expand_as(pictures) == 1
    assert torch.equal(batch.hq, pictures)
    assert (batch.lq[:, :3][hole] == 0).all()
    assert torch.equal(batch.lq[:, :3][~hole], pictures[~hole])
    again = degrade(pictures, settings, torch.Generator().manual_seed(3))
    assert torch.equal(again.lq, batch.lq)


def test_pictures_smaller_than_boxes_have_smaller_boxes() -> None:
    rng = RandomSource(torch.Generator().manual_seed(0))
    assert all(
        draw_mask(40, 48, InpaintingMaskSettings(), rng).shape == (1, 40, 48) for _ in range(20)
    )
