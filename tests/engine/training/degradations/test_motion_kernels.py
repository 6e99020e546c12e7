"""Kernels: as long as asked, in their middle, and light that sums to one."""

from collections.abc import Callable

import pytest
import torch

from pixelmend_engine.training.degradations import motion_kernels

Draw = Callable[[torch.Tensor, int], torch.Tensor]

GENERATOR = torch.Generator().manual_seed(0)


def center_of_mass(kernel: torch.Tensor) -> tuple[float, float]:
    reach = kernel.shape[-1] // 2
    grid = torch.arange(-reach, reach + 1).float()
    return float((kernel.sum(1) * grid).sum()), float((kernel.sum(0) * grid).sum())


def test_a_shake_is_as_long_as_asked_and_moves_nothing_on_the_whole() -> None:
    length = torch.tensor([0.0, 0.5, 3.0, 15.0])
    paths = motion_kernels.shake_paths(length, GENERATOR)
    way = (paths[:, 1:] - paths[:, :-1]).square().sum(dim=-1).sqrt().sum(dim=1)
    torch.testing.assert_close(way, length, atol=1e-4, rtol=0)  # sums of 64 floats
    kernels = motion_kernels.path_kernels(
        paths[:, None], motion_kernels.reach_of(shake=15.0, defocus=0.0, sigma=0.0)
    )[:, 0]
    for kernel in kernels:
        assert kernel.sum().item() == pytest.approx(1, abs=1e-5)
        assert center_of_mass(kernel) == pytest.approx((0, 0), abs=1e-4)


def test_a_shake_of_no_length_is_a_point() -> None:
    kernel = motion_kernels.path_kernels(
        motion_kernels.shake_paths(torch.zeros(1), GENERATOR)[:, None], 2
    )[0, 0]
    assert kernel[2, 2] == 1
    assert kernel.sum() == 1


def test_half_a_pixel_is_shared_between_two() -> None:
    path = torch.tensor([[[[0.0, 0.5]]]])
    assert motion_kernels.path_kernels(path, 1)[0, 0].tolist() == [
        [0, 0, 0],
        [0, 0.5, 0.5],
        [0, 0, 0],
    ]


def test_a_roll_moves_what_is_far_from_the_center_most() -> None:
    still = torch.zeros(1, motion_kernels.INSTANTS, 2)
    roll = motion_kernels.roll_angles(torch.tensor([0.1]), GENERATOR)
    assert roll.abs().max().item() == pytest.approx(0.1)
    places = torch.tensor([[0.0, 0.0], [0.0, 10.0], [0.0, 20.0]])
    paths = motion_kernels.rolled_paths(still, roll, places)[0]
    center, near, far = (path.amax(dim=0) - path.amin(dim=0) for path in paths)
    assert torch.equal(center, torch.zeros(2))
    # What is to the right moves up and down, and twice as far at twice the distance.
    torch.testing.assert_close(far, 2 * near)
    assert near[0] > 0.9
    assert near[1] == 0


@pytest.mark.parametrize("draw", [motion_kernels.disk_kernels, motion_kernels.gaussian_kernels])
def test_lenses_spread_light_and_lose_none(draw: Draw) -> None:
    kernels = draw(torch.tensor([0.0, 1.0, 2.5]), 8)
    point, small, large = kernels[:, 0]
    assert point[8, 8] == 1
    assert 1 > small[8, 8] > large[8, 8] > 0
    torch.testing.assert_close(kernels.sum(dim=(-2, -1)), torch.ones(3, 1))


def test_a_disk_of_missed_focus_has_its_area() -> None:
    disk = motion_kernels.disk_kernels(torch.tensor([5.0]), 8)[0, 0]
    # 1 / (pi r^2); its rim is drawn half as bright over a pixel, which adds 1 / (12 r^2) = 0.3 %.
    assert disk[8, 8].item() == pytest.approx(1 / (torch.pi * 25), rel=0.02)
