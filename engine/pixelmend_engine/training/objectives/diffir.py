"""What the stages of DiffIR are trained to do, in one forward pass each.

Stage 1 learns to restore with a prior that was encoded from the answer. Stage 2 learns to diffuse
that prior, at first alone, then together with the transformer. Stage 3, of super-resolution, goes
on against a discriminator; inpainting has one in both of its stages.

Source: arXiv:2303.09472, section 3, and the published code (see `models/diffir.py`).
"""

from collections.abc import Mapping
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
from pixelmend_engine.nn.precision import computing
from pixelmend_engine.training.objectives.adversarial_losses import PatchGame, PixelGame
from pixelmend_engine.training.objectives.outcome import Losses, Outcome
from pixelmend_engine.training.objectives.perceptual import Perception
from pixelmend_engine.training.recipes.recipe import Stage, StageNumber
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

KNOWN_WEIGHT = 10.0  # of the pixels outside of holes; those in holes are left to the others' losses
DIVERGENCE_TEMPERATURE = 0.15

Part = Literal["G", "E", "condition", "denoise"]
FIRST: tuple[Part, ...] = ("G", "E")  # what stage 1 trains; `E` is the teacher afterwards
LATER: tuple[Part, ...] = ("G", "condition", "denoise")
PRIOR: tuple[Part, ...] = ("condition", "denoise")  # what is trained as long as the prior is alone


class DiffIRObjective(nn.Module):
    """The networks and what is asked of them: losses in `forward`, so that several GPUs share it.

    `dtype` is what `G` computes in; everything about the prior, and whoever judges the results,
    stays in float32.
    """

    block = TransformerBlock  # what is worth compiling

    def __init__(
        self,
        config: DiffIRConfig,
        number: StageNumber,
        stage: Stage,
        dtype: torch.dtype,
        *,
        adversary: PixelGame | PatchGame | None = None,
        perception: Perception | None = None,
    ) -> None:
        super().__init__()
        self.networks = DiffIR(config)
        self.teacher = PriorEncoder(config, sharp=True)
        self.number: StageNumber = number
        self.dtype = dtype
        self.known_alone = stage.known_alone
        self.alone = False
        self.adversary = adversary
        self.perception = perception

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The networks by their names in checkpoints."""
        return {**dict(self.networks.named_children()), "E": self.teacher}

    @property
    def learned(self) -> tuple[str, ...]:
        """The parts that the stage leaves behind."""
        return FIRST if self.number == 1 else LATER

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """The shape of a prior, without the batch."""
        return self.networks.prior_shape

    def teach(self, *, alone: bool) -> None:
        """Freezes what is not trained; `alone` means that only the prior is learned."""
        self.alone = alone
        for name, part in self.parts.items():
            part.requires_grad_(name in (PRIOR if alone else self.learned))
        if self.adversary is not None:
            self.adversary.requires_grad_(requires_grad=False)

    def begin(self, first: Mapping[str, StateDict], second: Mapping[str, StateDict]) -> None:
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
        fill_parts(self.parts, FIRST if self.number == 2 else ("E",), first)
        if self.number == 3 or second:
            fill_parts(self.parts, LATER, second)

    def forward(self, lq: Pictures, hq: Restored, noise: Prior) -> Outcome:
        """Returns the losses; `noise` is standard normal."""
        losses: Losses = {}
        noted: Losses = {}
        prior, target = self.prior(lq, hq, noise)
        if target is not None:
            losses["prior"] = (prior - target).abs().mean()
            noted["divergence"] = divergence(prior, target)
        if self.alone:
            return Outcome(losses, noted, None)
        restored = self.restore(lq, prior)
        apart = (restored - hq).abs()
        if self.known_alone:
            apart = KNOWN_WEIGHT * (1 - lq[:, 3:]) * apart
        losses["pixels"] = apart.mean()
        if self.perception is not None:
            losses["perception"] = self.perception.difference(restored, hq)
        if self.adversary is not None:
            losses |= self.adversary.fooled(restored, hq)
        return Outcome(losses, noted, restored)

    def prior(self, lq: Pictures, hq: Restored, noise: Prior) -> tuple[Prior, Prior | None]:
        """Returns the prior that is restored with in training, and what it should have been."""
        if self.number == 1:
            return self.teacher(lq, hq), None
        with torch.no_grad():
            target = self.teacher(lq, hq)
        return self.networks.diffuse_prior(lq, noisy_prior(self.networks, target, noise)), target

    def answered(self, lq: Pictures, hq: Restored, noise: Prior) -> Restored:
        """Restores pictures as in training, where the prior starts from what it should be."""
        return self.restore(lq, self.prior(lq, hq, noise)[0])

    def restored(self, lq: Pictures, hq: Restored, noise: Prior) -> Restored:
        """Restores pictures as the stage does, without having seen `hq` if it can do without."""
        if self.number == 1:
            return self.restore(lq, self.teacher(lq, hq))
        return self.restore(lq, self.networks.diffuse_prior(lq, noise))

    def restore(self, lq: Pictures, prior: Prior) -> Restored:
        """Runs the transformer alone, in `dtype`."""
        with computing(lq.device, self.dtype):
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
        guessed, wanted = (x / DIVERGENCE_TEMPERATURE for x in (prior, target))
        return functional.kl_div(
            guessed.log_softmax(dim=-1), wanted.softmax(dim=-1), reduction="batchmean"
        )
