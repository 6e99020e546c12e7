"""Which detail a blur took away, in numbers."""

import torch
from torch.nn import functional

from pixelmend_engine.training.objectives.blur_spectrum import BANDS, DIRECTIONS, attenuation

RINGS = BANDS // DIRECTIONS


def noise(side: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))


def blurred(pictures: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    weight = (kernel / kernel.sum()).expand(3, 1, *kernel.shape)
    return functional.conv2d(pictures, weight, padding="same", groups=3)


def test_equal_pictures_have_lost_nothing() -> None:
    assert torch.equal(attenuation(noise(), noise()), torch.zeros(2, BANDS))


def test_half_the_contrast_is_a_quarter_of_the_power_in_every_band() -> None:
    lost = attenuation(0.5 * noise(), noise())
    # The floor adds a ten-thousandth to the power of noise.
    assert torch.allclose(lost, torch.tensor(0.25).log().expand_as(lost), atol=1e-2)


def test_shake_takes_detail_away_along_its_way_alone() -> None:
    sideways = attenuation(blurred(noise(), torch.ones(1, 7)), noise())[0]
    rings = sideways.view(RINGS, DIRECTIONS)
    along, across = rings[3, 0], rings[3, DIRECTIONS // 2]  # 0.16 to 0.24 cycles per pixel
    assert along < across - 2
    down = attenuation(blurred(noise(), torch.ones(7, 1)), noise())[0].view(RINGS, DIRECTIONS)
    assert down[3, DIRECTIONS // 2] < down[3, 0] - 2


def test_noise_raises_the_finest_band_of_a_smooth_picture() -> None:
    smooth = blurred(noise(), torch.ones(9, 9))
    lost = attenuation((smooth + 0.05 * torch.randn(smooth.shape)), smooth).view(2, RINGS, -1)
    assert (lost[:, -1] > lost[:, 0]).all()
    assert (lost[:, -1] > 1).all()
