"""What the two stages of HI-Diff are trained to do, in one forward pass each.

Source: arXiv:2305.12966, section 3, and the published code (see `models/hidiff.py`), which differs
from the paper in how the GoPro system makes its noisy prior.
"""

import math
from collections.abc import Mapping, Sized
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from pixelmend_engine.diffusion.schedule import float32
from pixelmend_engine.models.hidiff import HIDiff, Pictures, Prior, TransformerBlock
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.standardize import Standardize
from pixelmend_engine.training.depth_growth import grow_depth
from pixelmend_engine.training.objectives.blur_spectrum import BANDS, attenuation
from pixelmend_engine.training.objectives.pixel_losses import PIXEL_LOSSES
from pixelmend_engine.training.objectives.step_losses import Losses, StepLosses
from pixelmend_engine.training.recipes.recipe import Stage, StageNumber
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

# Which networks each stage changes. The teacher, `net_le`, is frozen in stage 2.
TRAINED_PARTS: dict[StageNumber, tuple[str, ...]] = {
    1: ("net_g", "net_le"),
    2: ("net_g", "net_le_dm", "net_d"),
}


class HIDiffObjective(nn.Module):
    """The networks and what is asked of them: losses in `forward`, so that several GPUs share it.

    `dtype` is what `net_g` computes in; everything about the prior stays in float32, as it does
    when pictures are restored.
    """

    sums = False  # losses are means over pictures
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
        self.blur_weight = stage.blur_weight if number == 1 else 0.0
        self.blur_head = nn.Linear(networks.prior_shape[-1], BANDS) if self.blur_weight else None
        self.prior_only = False

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The networks by their names in checkpoints, and what is thrown away after the stage."""
        parts = dict(self.networks.named_children())
        return parts if self.blur_head is None else {**parts, "blur": self.blur_head}

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts that the stage leaves behind."""
        return TRAINED_PARTS[self.number]

    @property
    def encoder(self) -> nn.Module:
        """The encoder that the stage trains."""
        if self.number == 1:
            assert self.networks.net_le is not None
            return self.networks.net_le
        return self.networks.net_le_dm

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """The shape of a prior, without the batch."""
        return self.networks.prior_shape

    def draw(self, batch: Sized, generator: torch.Generator) -> Prior:
        """Draws the noise of a step."""
        return torch.randn(len(batch), *self.prior_shape, generator=generator)

    def set_trainable(self, *, prior_only: bool) -> None:
        """Freezes what is not trained; with `prior_only`, the prior alone is trained."""
        self.prior_only = prior_only
        for name, part in self.parts.items():
            trained = name == "blur" or name in self.trained_parts
            part.requires_grad_(trained and not (prior_only and name == "net_g"))
        self.train()

    def train(self, mode: bool = True) -> "HIDiffObjective":
        """Sets the mode; the statistics of encoders are learned with the prior alone.

        Later batches have few pictures, whose own statistics would be noise to the transformer.
        """
        super().train(mode)
        if self.networks.net_le is not None and self.number > 1:
            self.networks.net_le.eval()
        if not self.prior_only:
            for module in self.modules():
                if isinstance(module, Standardize):
                    module.eval()
        return self

    def load_initial(self, first: Mapping[str, StateDict], second: Mapping[str, StateDict]) -> None:
        """Fills the networks of stage 2 with those of stage 1, and then with those of `second`.

        With `second`, a stage 2 goes on; it needs no teacher then, and learns without one. A stage
        1 takes its transformer alone. It may have fewer blocks, see `grow_depth`.

        Raises:
            UnreadableCheckpoint: They are others, or not all there.
        """
        if self.number == 1 and not second:
            return
        if self.number > 1 and self.networks.net_le is not None:
            fill_parts(self.parts, TRAINED_PARTS[1], first)
        if second:
            grown = {**second}
            if "net_g" in second:
                grown["net_g"] = grow_depth(second["net_g"], self.networks.net_g, self.block)
            fill_parts(self.parts, ("net_g",) if self.number == 1 else TRAINED_PARTS[2], grown)

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
        if self.blur_head is not None:
            predicted = self.blur_head(prior.mean(dim=1))
            losses["blur"] = self.blur_weight * smooth_l1_loss(predicted, attenuation(lq, hq))
        if self.prior_only:
            return StepLosses(losses, {}, None)
        restored = self.run_transformer(lq, prior)
        losses["pixels"] = self.pixel_loss(restored, hq)
        if self.frequency_weight:
            losses["frequencies"] = self.frequency_weight * frequency_loss(restored, hq)
        return StepLosses(losses, {}, restored)

    def predict(self, lq: Pictures, hq: Pictures, noise: Prior) -> Pictures:
        """Restores pictures as the stage does, without having seen `hq` if it can do without."""
        return self.run_transformer(lq, self.predict_prior(lq, hq, noise))

    def predict_prior(self, lq: Pictures, hq: Pictures, noise: Prior) -> Prior:
        """Returns the prior that `predict` restores with."""
        if self.number == 1:
            return self.networks.teacher_prior(lq, hq)
        return self.networks.diffuse_prior(lq, noise)

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


def frequency_loss(restored: Pictures, hq: Pictures) -> Float[Tensor, ""]:
    """Returns the mean distance between Fourier transforms, which weighs fine detail more.

    Source: Cho et al., MIMO-UNet, arXiv:2108.05054, eq. 4. The published HI-Diff does without.
    """
    difference = cast("Tensor", torch.fft.rfft2(restored.float() - hq.float()))
    return torch.view_as_real(difference).abs().mean()
