"""How far restored pixels are from those that they should be."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.training.recipes.recipe import PixelLoss

# Without it, crops of clear sky would weigh more than all others together.
PSNR_LOSS_FLOOR = (2 / 255) ** 2

Pictures = Float[Tensor, "b 3 h w"]


def l1_loss(restored: Pictures, hq: Pictures) -> Float[Tensor, ""]:
    """Returns the mean absolute error: the published loss."""
    return (restored - hq).abs().mean()


def psnr_loss(restored: Pictures, hq: Pictures) -> Float[Tensor, ""]:
    """Returns the mean logarithm of each picture's squared error: for few errors, as for many.

    A tenth less error counts alike in a picture that was hardly blurred and in one that was badly
    blurred. Source: Chen et al., HINet, arXiv:2105.06086; `PSNR_LOSS_FLOOR` is ours.
    """
    errors = (restored.float() - hq.float()).square().mean(dim=(1, 2, 3))
    return (errors + PSNR_LOSS_FLOOR).log().mean()


def squares_loss(restored: Pictures, hq: Pictures) -> Float[Tensor, ""]:
    """Returns the squared errors, added up over all pixels and pictures, as DiffBIR has it."""
    return (restored - hq).square().sum()


PIXEL_LOSSES: dict[PixelLoss, Callable[[Pictures, Pictures], Tensor]] = {
    "l1": l1_loss,
    "psnr": psnr_loss,
    "squares": squares_loss,
}
