"""Pictures are augmented: sizes, seeds, and each change as it is meant."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pixelmend_engine.training.data.augmentations import augment, brighten, equalize, shift_hsv
from pixelmend_engine.training.degradations.random_source import RandomSource


@pytest.fixture
def picture(astronaut: np.ndarray) -> Tensor:
    return torch.from_numpy(astronaut[:200, 100:400].copy()).permute(2, 0, 1).contiguous()


def crops(picture: Tensor, side: int, count: int) -> Tensor:
    rng = RandomSource(torch.Generator().manual_seed(0))
    return torch.stack([augment(picture, side, rng) for _ in range(count)])


@pytest.mark.parametrize("side", [64, 256])
def test_crops_have_their_size_even_of_smaller_pictures(picture: Tensor, side: int) -> None:
    actual = crops(picture, side, 12)
    assert actual.shape == (12, 3, side, side)
    assert actual.dtype == torch.uint8
    assert len({crop.float().mean().item() for crop in actual}) == 12
    assert torch.equal(actual, crops(picture, side, 12))
    assert 60 < actual.float().mean() < 190


class Never(RandomSource):
    """Draws places, and changes nothing."""

    def bernoulli(self, share: float) -> bool:
        return False


def test_what_is_left_alone_is_a_piece_of_the_picture(picture: Tensor) -> None:
    crop = augment(picture, 64, Never(torch.Generator().manual_seed(0)))
    rows = picture.shape[1] - 63, picture.shape[2] - 63
    pieces = (picture[:, r : r + 64, c : c + 64] for r in range(rows[0]) for c in range(rows[1]))
    assert any(torch.equal(piece, crop) for piece in pieces)
    padded = augment(picture, 256, Never(torch.Generator().manual_seed(0)))
    assert torch.equal(padded[:, 28], padded[:, 27])  # mirrored beyond the first of 200 rows


@pytest.fixture
def pixels(picture: Tensor) -> np.ndarray:
    return np.ascontiguousarray(picture[:, :128, :128].permute(1, 2, 0).numpy())


def test_equalizing_spreads_the_lightness(pixels: np.ndarray) -> None:
    dull = (pixels * 0.2 + 100).astype(np.uint8)
    assert equalize(dull, 4.0).std() > 1.5 * dull.std()
    gray = np.full((64, 64, 3), 128, np.uint8)
    assert equalize(gray, 1.0).std() < 2


def test_contrast_and_brightness(pixels: np.ndarray) -> None:
    assert np.array_equal(brighten(pixels, 0.0, 0.0), pixels)
    assert brighten(pixels, 0.0, 0.2).mean() > pixels.mean() + 20
    assert brighten(pixels, -0.2, 0.0).std() < 0.85 * pixels.std()


def test_colors_turn_and_fade(pixels: np.ndarray) -> None:
    same = shift_hsv(pixels, 0.0, 0.0, 0.0).astype(int) - pixels
    assert np.abs(same).max() <= 6  # hues have 180 steps
    red = np.full((8, 8, 3), (200, 20, 20), np.uint8)
    assert shift_hsv(red, 60.0, 0.0, 0.0)[0, 0].tolist() == [20, 200, 20]
    assert shift_hsv(red, 0.0, -255.0, 0.0)[0, 0].tolist() == [200, 200, 200]
    assert shift_hsv(red, -60.0, 0.0, 30.0)[0, 0].argmax() == 2
