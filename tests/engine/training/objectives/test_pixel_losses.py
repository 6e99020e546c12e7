"""What a loss of pixels weighs. That the published one is right, the goldens show."""

import math

import torch

from pixelmend_engine.training.objectives.pixel_losses import PSNR_LOSS_FLOOR, psnr_loss


def off_by(*errors: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Restored and sharp pictures; each of the restored is wrong by so much everywhere."""
    sharp = torch.full((len(errors), 3, 8, 8), 0.5)
    return sharp + torch.tensor(errors)[:, None, None, None], sharp


def test_the_psnr_loss_is_the_mean_of_the_pictures_logarithms() -> None:
    expected = (math.log(0.1**2 + PSNR_LOSS_FLOOR) + math.log(0.02**2 + PSNR_LOSS_FLOOR)) / 2
    assert math.isclose(psnr_loss(*off_by(0.1, 0.02)).item(), expected, rel_tol=1e-5)


def test_a_tenth_less_error_counts_alike_in_good_pictures_and_bad_ones() -> None:
    def gained(error: float) -> float:
        return (psnr_loss(*off_by(error)) - psnr_loss(*off_by(0.9 * error))).item()

    # Both far above the floor, which takes 2% of it away at 0.05.
    assert math.isclose(gained(0.05), gained(0.2), rel_tol=0.05)
    # Far below the floor there is nothing left to gain.
    assert gained(0.0005) < 0.05 * gained(0.2)
