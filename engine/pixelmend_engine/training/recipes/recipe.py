"""What a recipe is: stages, and in each its crops, rates and losses."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.recipes.learning_rates import LearningRates, stretch

StageNumber = Literal[1, 2, 3]
Family = Literal["hidiff", "diffir", "diffbir"]
DiscriminatorKind = Literal["unet", "patch"]  # see `objectives/discriminators.py`
PerceptualNetworkName = Literal["vgg19", "ade20k"]  # see `objectives/perceptual.py`
PixelLoss = Literal["l1", "psnr", "squares"]  # see `objectives/pixel_losses.py`
LossRegion = Literal["all", "known", "holes"]
# The eight of a square: number // 2 quarter turns, upside down if it is odd.
ALL_ORIENTATIONS = tuple(range(8))
MIRRORED = (0, 5)  # as it is, or with left and right exchanged
UPRIGHT = (0,)


@dataclass(frozen=True)
class Phase:
    """A part of a stage: up to which step, with crops of which size, how many in each process."""

    until: int
    patch: int  # pixels a side of what comes out, a multiple of 8 (of 32 to enlarge)
    batch: int


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings:
    """A discriminator that a stage trains against. Adam, without weight decay."""

    discriminator: DiscriminatorKind
    width: int = 64  # channels of the discriminator's first layer
    rates: LearningRates
    betas: tuple[float, float]
    clip: float | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the runs that a model is made by. AdamW, which is Adam where nothing decays."""

    phases: tuple[Phase, ...]
    rates: LearningRates
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = 0.01  # of the gradient's norm, over all trained networks together
    weight_decay: float = 1e-4
    ema_decay: float | None = None  # of the exponential moving average of weights; None: none
    pixel_loss: PixelLoss = "l1"  # of HI-Diff, and of DiffBIR's restoration module
    frequency_weight: float = 0.0  # of the loss between Fourier transforms
    blur_weight: float = 0.0  # of the loss that has HI-Diff's teacher tell the blur; stage 1
    pixel_loss_region: LossRegion = "all"  # where pixels are compared; of models that fill holes
    joint_training_from: int = 1  # step; before, the prior is learned alone
    adversarial: AdversarialSettings | None = None
    perceptual_network: PerceptualNetworkName | None = None  # whose features are compared, too
    degradation: DegradationSettings | None = None  # instead of the recipe's
    condition_noise: int = 0  # the condition gets the noise of one of so many first timesteps
    dropped_captions: float = 0.0  # share of samples whose caption is left out

    @property
    def steps(self) -> int:
        """How many steps it takes."""
        return self.phases[-1].until

    def phase(self, step: int) -> Phase:
        """Returns the phase that a step belongs to."""
        return next(phase for phase in self.phases if step <= phase.until)

    def with_steps(self, steps: int) -> "Stage":
        """Returns the same stage in so many steps: every part of it is as much shorter."""
        factor = steps / self.steps
        phases = tuple(
            dataclasses.replace(phase, until=max(1, round(phase.until * factor)))
            for phase in self.phases
        )
        adversarial = self.adversarial
        if adversarial is not None:
            adversarial = dataclasses.replace(adversarial, rates=stretch(adversarial.rates, factor))
        joint_training_from = self.joint_training_from
        if joint_training_from > 1:  # else nothing is learned alone, however long it takes
            joint_training_from = max(1, round(joint_training_from * factor))
        return dataclasses.replace(
            self,
            phases=phases,
            rates=stretch(self.rates, factor),
            joint_training_from=joint_training_from,
            adversarial=adversarial,
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained, from random weights to the end."""

    id: str
    title: str
    config: HIDiffConfig | DiffIRConfig | DiffBIRConfig
    stages: tuple[Stage, ...]
    window: int = 384  # pixels; what crops are cut from is itself cut from a picture
    orientations: tuple[int, ...] = ALL_ORIENTATIONS  # of crops, drawn from evenly
    degradation: DegradationSettings  # of folders that have sharp pictures alone
    guards_prior: bool = False  # a run stops when its prior collapses; of our own models
    pool_size: int = 0  # samples that batches are mixed from (`sample_pool`); 0: none
    least_side: int = 0  # pixels; a picture whose short side has less can't be learned from
    whole: bool = False  # pictures are made small first, so that their middle is nearly all of them

    def stage(self, number: StageNumber) -> Stage:
        """Returns a stage."""
        return self.stages[number - 1]

    def degradation_of_stage(self, number: StageNumber) -> DegradationSettings:
        """Returns what is done to pictures in a stage."""
        return self.stage(number).degradation or self.degradation

    @property
    def family(self) -> Family:
        """The family of its model, as `--family` names it."""
        match self.config:
            case HIDiffConfig():
                return "hidiff"
            case DiffIRConfig():
                return "diffir"
            case DiffBIRConfig():
                return "diffbir"

    @property
    def can_train_without_teacher(self) -> bool:
        """Whether a second stage that goes on with trained weights can do without a teacher."""
        return isinstance(self.config, HIDiffConfig)

    @property
    def computes_in_parts(self) -> bool:
        """Whether a step's crops may be computed in several parts: nothing looks at all of them."""
        return isinstance(self.config, DiffBIRConfig)

    @property
    def final_degradation(self) -> DegradationSettings:
        """What is done to pictures in the end."""
        return self.stages[-1].degradation or self.degradation

    def with_batch_size(self, count: int) -> "Recipe":
        """Returns the same recipe with so many crops in each step of each process."""
        stages = tuple(
            dataclasses.replace(
                stage,
                phases=tuple(dataclasses.replace(phase, batch=count) for phase in stage.phases),
            )
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)

    def with_steps(self, steps: int) -> "Recipe":
        """Returns the same recipe in so many steps, shared between the stages as they were."""
        whole = sum(stage.steps for stage in self.stages)
        stages = tuple(
            stage.with_steps(max(1, round(stage.steps * steps / whole))) for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)
