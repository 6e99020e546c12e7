"""The game between a model and its discriminator, as each family of recipes plays it.

`fooled` is what the model loses, while the discriminator stays as it is; `forward` is what the
discriminator loses. Source: DiffIR (see `models/diffir.py`), after Real-ESRGAN and LaMa.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.training.objectives.discriminators import (
    PatchDiscriminator,
    PixelDiscriminator,
)
from pixelmend_engine.training.objectives.outcome import Losses
from pixelmend_engine.training.recipes.recipe import Game

Pictures = Float[Tensor, "b 3 h w"]
Masks = Float[Tensor, "b 1 h w"]

DECEPTION_WEIGHT = 10.0
FEATURES_WEIGHT = 100.0
GRADIENT_WEIGHT = 0.001


class PixelGame(nn.Module):
    """Every pixel counts the same. For super-resolution."""

    rerun = False  # the discriminator sees the pictures that the model has just learned from

    def __init__(self, discriminator: PixelDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def fooled(self, restored: Pictures, hq: Pictures) -> Losses:  # noqa: ARG002 - another's needs it
        """Asks that every pixel be taken for real."""
        judged = self.discriminator(restored)
        return {"deception": functional.softplus(-judged).mean()}

    def forward(self, restored: Pictures, real: Pictures, mask: Masks | None) -> Losses:
        """Asks that real and restored pixels be told apart."""
        del mask
        return {
            "real": functional.softplus(-self.discriminator(real)).mean(),
            "restored": functional.softplus(self.discriminator(restored)).mean(),
        }


class PatchGame(nn.Module):
    """Only what was filled counts as made up. For inpainting."""

    rerun = True

    def __init__(self, discriminator: PatchDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def fooled(self, restored: Pictures, hq: Pictures) -> Losses:
        """Asks that patches be taken for real, and look to hidden layers as real ones do."""
        _, wanted = self.discriminator(hq)
        judged, hidden = self.discriminator(restored)
        apart = [functional.mse_loss(a, b) for a, b in zip(hidden, wanted, strict=True)]
        return {
            "deception": DECEPTION_WEIGHT * functional.softplus(-judged).mean(),
            "features": FEATURES_WEIGHT * torch.stack(apart).mean(),
        }

    def forward(self, restored: Pictures, real: Pictures, mask: Masks | None) -> Losses:
        """Asks that holes be told from what is real, by a judge that has no steep slopes there."""
        assert mask is not None
        real = real.detach().requires_grad_()
        judged_real, _ = self.discriminator(real)
        (slope,) = torch.autograd.grad(judged_real.sum(), real, create_graph=True)
        judged, _ = self.discriminator(restored)
        hole = functional.interpolate(mask, size=judged.shape[-2:])
        guessed = hole * functional.softplus(judged) + (1 - hole) * functional.softplus(-judged)
        return {
            "real": functional.softplus(-judged_real).mean(),
            "restored": guessed.mean(),
            "slope": GRADIENT_WEIGHT * slope.square().sum(dim=(1, 2, 3)).mean(),
        }


def adversary(game: Game, width: int) -> PixelGame | PatchGame:
    """Makes a discriminator with random weights, and its game."""
    match game:
        case "pixels":
            return PixelGame(PixelDiscriminator(width))
        case "patches":
            return PatchGame(PatchDiscriminator(width))
