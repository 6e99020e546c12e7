"""What a model and its discriminator lose to each other, in each family of recipes.

`generator_loss` is what the model loses, while the discriminator stays as it is; `forward` is what
the discriminator loses. Source: DiffIR (see `models/diffir.py`), after Real-ESRGAN and LaMa.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.training.objectives.discriminators import (
    PatchDiscriminator,
    UNetDiscriminator,
)
from pixelmend_engine.training.objectives.step_losses import Losses
from pixelmend_engine.training.recipes.recipe import DiscriminatorKind

Pictures = Float[Tensor, "b 3 h w"]
Masks = Float[Tensor, "b 1 h w"]

ADVERSARIAL_WEIGHT = 10.0
FEATURES_WEIGHT = 100.0
GRADIENT_PENALTY_WEIGHT = 0.001


class UNetGanLoss(nn.Module):
    """Every pixel is judged. For super-resolution."""

    # The discriminator sees the pictures that the model has just learned from.
    reruns_generator = False

    def __init__(self, discriminator: UNetDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def generator_loss(self, restored: Pictures, hq: Pictures) -> Losses:  # noqa: ARG002 - another's needs it
        """Asks that every pixel be taken for real."""
        logits = self.discriminator(restored)
        return {"adversarial": functional.softplus(-logits).mean()}

    def forward(self, restored: Pictures, real: Pictures, mask: Masks | None) -> Losses:
        """Asks that real and restored pixels be told apart."""
        del mask
        return {
            "real": functional.softplus(-self.discriminator(real)).mean(),
            "restored": functional.softplus(self.discriminator(restored)).mean(),
        }


class PatchGanLoss(nn.Module):
    """Only what was filled counts as generated. For inpainting."""

    reruns_generator = True

    def __init__(self, discriminator: PatchDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def generator_loss(self, restored: Pictures, hq: Pictures) -> Losses:
        """Asks that patches be taken for real, and look to hidden layers as real ones do."""
        _, real_features = self.discriminator(hq)
        logits, features = self.discriminator(restored)
        distances = [
            functional.mse_loss(a, b) for a, b in zip(features, real_features, strict=True)
        ]
        return {
            "adversarial": ADVERSARIAL_WEIGHT * functional.softplus(-logits).mean(),
            "features": FEATURES_WEIGHT * torch.stack(distances).mean(),
        }

    def forward(self, restored: Pictures, real: Pictures, mask: Masks | None) -> Losses:
        """Asks that holes be told from what is real, by a judge that has no steep slopes there."""
        assert mask is not None
        real = real.detach().requires_grad_()
        real_logits, _ = self.discriminator(real)
        (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
        logits, _ = self.discriminator(restored)
        hole = functional.interpolate(mask, size=logits.shape[-2:])
        patch_losses = hole * functional.softplus(logits) + (1 - hole) * functional.softplus(
            -logits
        )
        return {
            "real": functional.softplus(-real_logits).mean(),
            "restored": patch_losses.mean(),
            "gradient penalty": GRADIENT_PENALTY_WEIGHT
            * gradient.square().sum(dim=(1, 2, 3)).mean(),
        }


GanLoss = UNetGanLoss | PatchGanLoss


def build_gan_loss(kind: DiscriminatorKind, width: int) -> GanLoss:
    """Makes a discriminator with random weights, and its losses."""
    match kind:
        case "unet":
            return UNetGanLoss(UNetDiscriminator(width))
        case "patch":
            return PatchGanLoss(PatchDiscriminator(width))
