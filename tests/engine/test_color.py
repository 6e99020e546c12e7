"""Stored samples and what a network sees are each other's inverse."""

import numpy as np
import torch

from pixelmend_engine import color


def test_every_level_comes_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(color.from_network(color.to_network(levels)), levels)


def test_halves_are_rounded_to_even() -> None:
    halves = torch.tensor([0.5, 1.5, 2.5, 254.5]).reshape(1, 1, 1, 4).expand(1, 3, 1, 4) / 255
    assert color.from_network(halves)[0, :, 0].tolist() == [0, 2, 2, 254]


def test_what_leaves_the_range_is_clipped() -> None:
    assert color.from_network(torch.full((1, 3, 1, 1), 1.2)).max() == 255
    assert color.from_network(torch.full((1, 3, 1, 1), -0.2)).max() == 0
