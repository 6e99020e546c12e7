"""Pictures are varied: sizes, seeds, and each change as it is meant."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pixelmend_engine.training.augmentations import equalized, recolored, varied
from pixelmend_engine.training.dice import Dice


@pytest.fixture
def picture(astronaut: np.ndarray) -> Tensor:
    return torch.from_numpy(astronaut[:200, 100:400].copy()).permute(2, 0, 1).contiguous()


def crops(picture: Tensor, side: int, count: int) -> Tensor:
    dice = Dice(torch.Generator().manual_seed(0))
    return torch.stack([varied(picture, side, dice) for _ in range(count)])


@pytest.mark.parametrize("side", [64, 256])
def test_crops_have_their_size_even_of_smaller_pictures(picture: Tensor, side: int) -> None:
    found = crops(picture, side, 12)
    assert found.shape == (12, 3, side, side)
    assert found.dtype == torch.uint8
    assert len({crop.float().mean().item() for crop in found}) == 12
    assert torch.equal(found, crops(picture, side, 12))
    assert 60 < found.float().mean() < 190


class Never(Dice):
    """Draws places, and changes nothing."""

    def chance(self, share: float) -> bool:
        return False


def test_what_is_left_alone_is_a_piece_of_the_picture(picture: Tensor) -> None:
    crop = varied(picture, 64, Never(torch.Generator().manual_seed(0)))
    rows = picture.shape[1] - 63, picture.shape[2] - 63
    pieces = (picture[:, r : r + 64, c : c + 64] for r in range(rows[0]) for c in range(rows[1]))
    assert any(torch.equal(piece, crop) for piece in pieces)
    padded = varied(picture, 256, Never(torch.Generator().manual_seed(0)))
    assert torch.equal(padded[:, 28], padded[:, 27])  # mirrored beyond the first of 200 rows


def test_equalizing_spreads_the_luma_and_keeps_differences_of_color(picture: Tensor) -> None:
    dull = picture[:, :128, :128] / 255 * 0.2 + 0.4
    spread = equalized(dull, 4.0)
    assert spread.std() > 1.5 * dull.std()
    kept = ((spread > 0) & (spread < 1)).all(dim=0)
    difference = (spread[0] - spread[2] - dull[0] + dull[2])[kept]
    assert difference.abs().max() < 1e-5
    flat = torch.full((3, 64, 64), 0.5)
    assert equalized(flat, 1.0).std() < 1e-6


def test_colors_that_are_not_turned_come_back(picture: Tensor) -> None:
    colors = picture / 255
    assert (recolored(colors, 0.0, 0.0, 0.0) - colors).abs().max() < 1e-5
    turned = recolored(colors, 1 / 3, 0.0, 0.0)
    assert (turned - colors.roll(1, dims=0)).abs().max() < 1e-4  # red to green to blue
    gray = recolored(colors, 0.0, -1.0, 0.0)
    assert (gray - gray.mean(dim=0)).abs().max() < 1e-6
