"""What the stages of DiffIR are trained to do, in one forward pass each.

Stage 1 learns to restore with a prior that was encoded from the answer. Stage 2 learns to diffuse
that prior, at first alone, then together with the transformer. Stage 3, of super-resolution, goes
on against a discriminator; inpainting has one in both of its stages.

Source: arXiv:2303.09472, section 3, and the published code (see `models/diffir.py`).
"""

from collections.abc import Mapping, Sized
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.diffusion.schedule import float32
from pixelmend_engine.models.diffir import (
    DiffIR,
    Pictures,
    Prior,
    PriorEncoder,
    Restored,
    TransformerBlock,
)
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.training.objectives.adversarial_losses import GanLoss
from pixelmend_engine.training.objectives.blur_spectrum import BANDS, attenuation
from pixelmend_engine.training.objectives.perceptual import PerceptualNetwork
from pixelmend_engine.training.objectives.pixel_losses import PIXEL_LOSSES
from pixelmend_engine.training.objectives.step_losses import Losses, StepLosses
from pixelmend_engine.training.recipes.recipe import Stage, StageNumber
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

REGION_WEIGHT = 10.0  # of pixels, where those in a region alone are compared
DIVERGENCE_TEMPERATURE = 0.15

Part = Literal["G", "E", "condition", "denoise"]
STAGE_1_PARTS: tuple[Part, ...] = ("G", "E")  # what stage 1 trains; `E` is the teacher afterwards
LATER_PARTS: tuple[Part, ...] = ("G", "condition", "denoise")


class DiffIRObjective(nn.Module):
    """The networks and what is asked of them: losses in `forward`, so that several GPUs share it.

    `dtype` is what `G` computes in; everything about the prior, and what judges the results,
    stays in float32.
    """

    sums = False  # losses are means over pictures
    block = TransformerBlock  # what is worth compiling

    def __init__(
        self,
        config: DiffIRConfig,
        number: StageNumber,
        stage: Stage,
        dtype: torch.dtype,
        *,
        gan_loss: GanLoss | None = None,
        perceptual_network: PerceptualNetwork | None = None,
    ) -> None:
        super().__init__()
        self.networks = DiffIR(config)
        self.teacher = PriorEncoder(config, sharp=True)
        self.number: StageNumber = number
        self.dtype = dtype
        self.pixel_loss = PIXEL_LOSSES[stage.pixel_loss]
        self.pixel_loss_region = stage.pixel_loss_region
        self.blur_weight = stage.blur_weight if number == 1 else 0.0
        self.blur_head = nn.Linear(config.prior_dim, BANDS) if self.blur_weight else None
        self.prior_only = False
        self.gan_loss = gan_loss
        self.perceptual_network = perceptual_network

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The networks by their names in checkpoints, and what is thrown away after the stage."""
        parts = {**dict(self.networks.named_children()), "E": self.teacher}
        return parts if self.blur_head is None else {**parts, "blur": self.blur_head}

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts that the stage leaves behind."""
        return STAGE_1_PARTS if self.number == 1 else LATER_PARTS

    @property
    def encoder(self) -> nn.Module:
        """The encoder that the stage trains."""
        return self.teacher if self.number == 1 else self.networks.encoder

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
            part.requires_grad_(trained and not (prior_only and name == "G"))
        if self.gan_loss is not None:
            self.gan_loss.requires_grad_(requires_grad=False)
        self.train()

    def train(self, mode: bool = True) -> "DiffIRObjective":
        """Sets the mode; later stages leave the teacher's statistics as they are.

        Those of the second stage's own encoder are learned with the prior alone.
        """
        super().train(mode)
        if self.number > 1:
            self.teacher.eval()
            if not self.prior_only:
                self.networks.condition.eval()
        return self

    def load_initial(self, first: Mapping[str, StateDict], second: Mapping[str, StateDict]) -> None:
        """Fills the networks with those of the stages before, which are given by their names.

        Raises:
            BadRequest: They are those of another stage.
            UnreadableCheckpoint: They are those of another model, or not all there.
        """
        if self.number == 1:
            return
        if "condition" in first:
            raise BadRequest(
                "The teacher's weights are those of a second stage of training",
                hint="Name those of the first with --teacher; published ones have `DiffIRS1` in "
                "their name",
            )
        fill_parts(self.parts, STAGE_1_PARTS if self.number == 2 else ("E",), first)
        if self.number == 3 or second:
            fill_parts(self.parts, LATER_PARTS, second)

    def forward(self, lq: Pictures, hq: Restored, noise: Prior) -> StepLosses:
        """Returns the losses; `noise` is standard normal."""
        losses: Losses = {}
        metrics: Losses = {}
        prior, target = self.prior(lq, hq, noise)
        if target is not None:
            losses["prior"] = (prior - target).abs().mean()
            metrics["divergence"] = divergence(prior, target)
        if self.blur_head is not None:
            losses["blur"] = self.blur_weight * self._blur_loss(self.blur_head(prior), lq, hq)
        if self.prior_only:
            return StepLosses(losses, metrics, None)
        restored = self.run_transformer(lq, prior)
        if self.pixel_loss_region == "all":
            losses["pixels"] = self.pixel_loss(restored, hq)
        else:
            holes = lq[:, 3:]
            region = holes if self.pixel_loss_region == "holes" else 1 - holes
            losses["pixels"] = (REGION_WEIGHT * region * (restored - hq).abs()).mean()
        if self.perceptual_network is not None:
            losses["perceptual"] = self.perceptual_network.loss(restored, hq)
        if self.gan_loss is not None:
            losses |= self.gan_loss.generator_loss(restored, hq)
        return StepLosses(losses, metrics, restored)

    def _blur_loss(
        self, predicted: Float[Tensor, "b bands"], lq: Pictures, hq: Restored
    ) -> Float[Tensor, ""]:
        size = list(hq.shape[-2:])
        enlarged = functional.interpolate(lq[:, :3], size=size, mode="bicubic")
        return functional.smooth_l1_loss(predicted, attenuation(enlarged, hq))

    def prior(self, lq: Pictures, hq: Restored, noise: Prior) -> tuple[Prior, Prior | None]:
        """Returns the prior that is restored with in training, and what it should have been."""
        if self.number == 1:
            return self.teacher(lq, hq), None
        with torch.no_grad():
            target = self.teacher(lq, hq)
        return self.networks.diffuse_prior(lq, noisy_prior(self.networks, target, noise)), target

    def predict_from_target(self, lq: Pictures, hq: Restored, noise: Prior) -> Restored:
        """Restores pictures as in training, where the prior starts from what it should be."""
        return self.run_transformer(lq, self.prior(lq, hq, noise)[0])

    def predict(self, lq: Pictures, hq: Restored, noise: Prior) -> Restored:
        """Restores pictures as the stage does, without having seen `hq` if it can do without."""
        return self.run_transformer(lq, self.predict_prior(lq, hq, noise))

    def predict_prior(self, lq: Pictures, hq: Restored, noise: Prior) -> Prior:
        """Returns the prior that `predict` restores with."""
        if self.number == 1:
            return self.teacher(lq, hq)
        return self.networks.diffuse_prior(lq, noise)

    def run_transformer(self, lq: Pictures, prior: Prior) -> Restored:
        """Runs the transformer alone, in `dtype`."""
        with autocast(lq.device, self.dtype):
            return self.networks.G(lq, prior).to(lq.dtype)


def noisy_prior(networks: DiffIR, prior: Prior, noise: Prior) -> Prior:
    """Returns the prior as it is after the last step of the forward diffusion (DDPM, eq. 4)."""
    schedule = networks.schedule
    signal = float32(schedule.sqrt_alpha_bar)[-1]
    rest = float32(schedule.sqrt_one_minus_alpha_bar)[-1]
    return signal * prior + rest * noise


def divergence(prior: Prior, target: Prior) -> Float[Tensor, ""]:
    """Returns how much the distributions differ that two priors mean; it is looked at, not learned.

    Source: the published code, where it is a loss that nothing adds up.
    """
    with torch.no_grad():
        prior, target = (x / DIVERGENCE_TEMPERATURE for x in (prior, target))
        return functional.kl_div(
            prior.log_softmax(dim=-1), target.softmax(dim=-1), reduction="batchmean"
        )
