"""What the two stages of HI-Diff are trained to do, in one forward pass each.

Source: arXiv:2305.12966, section 3, and the published code (see `models/hidiff.py`), which differs
from the paper in how the GoPro system makes its noisy prior.
"""

import math
from collections.abc import Callable, Mapping
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.diffusion.schedule import float32
from pixelmend_engine.models.hidiff import HIDiff, Pictures, Prior, TransformerBlock
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.training.depth_growth import grow_depth
from pixelmend_engine.training.objectives.step_losses import Losses, StepLosses
from pixelmend_engine.training.recipes.recipe import PixelLoss, Stage, StageNumber
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

# Which networks each stage changes. The teacher, `net_le`, is frozen in stage 2.
TRAINED_PARTS: dict[StageNumber, tuple[str, ...]] = {
    1: ("net_g", "net_le"),
    2: ("net_g", "net_le_dm", "net_d"),
}

# Without it, crops of clear sky would weigh more than all others together.
PSNR_LOSS_FLOOR = (2 / 255) ** 2


class HIDiffObjective(nn.Module):
    """The networks and what is asked of them: losses in `forward`, so that several GPUs share it.

    `dtype` is what `net_g` computes in; everything about the prior stays in float32, as it does
    when pictures are restored.
    """

    block = TransformerBlock  # what is worth compiling
    gan_loss = None

    def __init__(
        self, networks: HIDiff, number: StageNumber, stage: Stage, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.networks = networks
        self.number: StageNumber = number
        self.dtype = dtype
        self.pixel_loss = PIXEL_LOSSES[stage.pixel_loss]
        self.frequency_weight = stage.frequency_weight

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The networks by their names in checkpoints."""
        return dict(self.networks.named_children())

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts that the stage leaves behind."""
        return TRAINED_PARTS[self.number]

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """The shape of a prior, without the batch."""
        return self.networks.prior_shape

    def set_trainable(self, *, prior_only: bool) -> None:
        """Freezes what is not trained; the prior is never trained alone here."""
        assert not prior_only
        for name, part in self.parts.items():
            part.requires_grad_(name in self.trained_parts)

    def load_initial(self, first: Mapping[str, StateDict], second: Mapping[str, StateDict]) -> None:
        """Fills the networks of stage 2 with those of stage 1, and then with those of `second`.

        With `second`, a stage 2 goes on; it needs no teacher then, and learns without one. It may
        have fewer blocks, see `grow_depth`.

        Raises:
            UnreadableCheckpoint: They are others, or not all there.
        """
        if self.number == 1:
            return
        if self.networks.net_le is not None:
            fill_parts(self.parts, TRAINED_PARTS[1], first)
        if second:
            grown = {**second}
            if "net_g" in second:
                grown["net_g"] = grow_depth(second["net_g"], self.networks.net_g, self.block)
            fill_parts(self.parts, TRAINED_PARTS[2], grown)

    def forward(self, lq: Pictures, hq: Pictures, noise: Prior) -> StepLosses:
        """Returns the losses; `noise` is standard normal."""
        losses: Losses = {}
        if self.number == 1:
            prior = self.networks.teacher_prior(lq, hq)
        elif self.networks.net_le is None:
            prior = self.networks.diffuse_prior(lq, noise)
        else:
            with torch.no_grad():
                target = self.networks.teacher_prior(lq, hq)
            prior = self.networks.diffuse_prior(lq, noisy_prior(self.networks, target, noise))
            losses["prior"] = (target - prior).abs().mean()
        restored = self.run_transformer(lq, prior)
        losses["pixels"] = self.pixel_loss(restored, hq)
        if self.frequency_weight:
            losses["frequencies"] = self.frequency_weight * frequency_loss(restored, hq)
        return StepLosses(losses, {}, restored)

    def predict(self, lq: Pictures, hq: Pictures, noise: Prior) -> Pictures:
        """Restores pictures as the stage does, without having seen `hq` if it can do without."""
        if self.number == 1:
            return self.run_transformer(lq, self.networks.teacher_prior(lq, hq))
        return self.run_transformer(lq, self.networks.diffuse_prior(lq, noise))

    def run_transformer(self, lq: Pictures, prior: Prior) -> Pictures:
        """Runs the transformer alone, in `dtype`."""
        with autocast(lq.device, self.dtype):
            return self.networks.net_g(lq, prior).to(lq.dtype)


def noisy_prior(networks: HIDiff, prior: Prior, noise: Prior) -> Prior:
    """Returns the prior as it is after the last step of the forward diffusion.

    The GoPro system weighs the prior by alpha_bar where DDPM, eq. 4, has its square root; its
    published weights were trained so.
    """
    alpha_bar = float32(networks.schedule.alpha_bar)[-1]
    match networks.config.prediction:
        case "epsilon":
            signal = alpha_bar
        case "x0":
            signal = math.sqrt(alpha_bar)
    return signal * prior + math.sqrt(1 - signal**2) * noise


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


PIXEL_LOSSES: dict[PixelLoss, Callable[[Pictures, Pictures], Tensor]] = {
    "l1": l1_loss,
    "psnr": psnr_loss,
}


def frequency_loss(restored: Pictures, hq: Pictures) -> Float[Tensor, ""]:
    """Returns the mean distance between Fourier transforms, which weighs fine detail more.

    Source: Cho et al., MIMO-UNet, arXiv:2108.05054, eq. 4. The published HI-Diff does without.
    """
    difference = cast("Tensor", torch.fft.rfft2(restored.float() - hq.float()))
    return torch.view_as_real(difference).abs().mean()
