"""Blur by kernels: a convolution, that may differ from corner to corner."""

import torch
from torch.nn import functional

from pixelmend_engine.training.degradations.blur import blur, corner_positions

GENERATOR = torch.Generator().manual_seed(0)
ROUNDING = 1e-5  # float32's Fourier transforms of 24 x 20 pixels


def test_blur_is_a_convolution() -> None:
    image = torch.rand(2, 3, 24, 20, generator=GENERATOR)
    kernels = torch.rand(2, 1, 5, 5, generator=GENERATOR)
    for number in range(2):
        weight = kernels[number, 0].flip(0, 1).expand(3, 1, 5, 5)
        expected = functional.conv2d(image[number : number + 1], weight, groups=3)
        inner = blur(image, kernels)[number : number + 1, :, 2:-2, 2:-2]
        torch.testing.assert_close(inner, expected, atol=ROUNDING, rtol=0)


def test_factors_follow_each_other() -> None:
    image = torch.rand(1, 3, 24, 20, generator=GENERATOR)
    first, second = torch.rand(2, 1, 1, 5, 5, generator=GENERATOR) / 12
    together = blur(image, first, second)
    torch.testing.assert_close(together, blur(blur(image, first), second), atol=1e-5, rtol=0)


def test_corners_have_kernels_of_their_own_and_blend_between() -> None:
    image = torch.ones(1, 3, 9, 9)
    gains = torch.zeros(1, 4, 3, 3)
    gains[0, :, 1, 1] = torch.tensor([1.0, 2.0, 3.0, 4.0])  # a point each, of another brightness
    plane = blur(image, gains)[0, 0]
    corners = torch.stack([plane[0, 0], plane[0, -1], plane[-1, 0], plane[-1, -1]])
    torch.testing.assert_close(corners, torch.tensor([1.0, 2.0, 3.0, 4.0]))
    torch.testing.assert_close(plane[4, 4], torch.tensor(2.5))


def test_corners_are_half_a_picture_from_its_center() -> None:
    places = corner_positions(10, 20, torch.device("cpu"))
    assert places.tolist() == [[-5, -10], [-5, 10], [5, -10], [5, 10]]
