"""What a recipe is: stages, and in each its crops, rates and losses."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.training.degradations.degrade import Worsening
from pixelmend_engine.training.recipes.learning_rates import Rates, scaled

StageNumber = Literal[1, 2, 3]
Game = Literal["pixels", "patches"]  # see `objectives/adversarial_losses.py`
Sight = Literal["vgg19", "ade20k"]  # see `objectives/perceptual.py`
PixelLoss = Literal["absolute", "decibels"]  # see `training/hidiff.py`
ALL_WAYS = tuple(range(8))  # to lay a square: number // 2 quarter turns, upside down if it is odd
MIRRORED = (0, 5)  # as it is, or with left and right exchanged
UPRIGHT = (0,)


@dataclass(frozen=True)
class Phase:
    """A part of a stage: up to which step, with crops of which size, how many in each process."""

    until: int
    patch: int  # pixels a side of what comes out, a multiple of 8 (of 32 to enlarge)
    batch: int


@dataclass(frozen=True, kw_only=True)
class Rivalry:
    """A discriminator that a stage trains against. Adam, without weight decay."""

    game: Game
    width: int = 64  # channels of the discriminator's first layer
    rates: Rates
    betas: tuple[float, float]
    clip: float | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the runs that a model is made by. AdamW, which is Adam where nothing decays."""

    phases: tuple[Phase, ...]
    rates: Rates
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = 0.01  # of the gradient's norm, over all trained networks together
    weight_decay: float = 1e-4
    average: float | None = None  # decay of the weights' moving average; None: no average is kept
    pixel_loss: PixelLoss = "absolute"  # of HI-Diff
    frequency_weight: float = 0.0  # of the loss between Fourier transforms
    known_alone: bool = False  # the loss of pixels leaves out what is in holes
    joint_from: int = 1  # the first step of all networks; before, the prior is learned alone
    rivalry: Rivalry | None = None
    sight: Sight | None = None  # with whose eyes pictures are compared, too
    worsening: Worsening | None = None  # instead of the recipe's

    @property
    def steps(self) -> int:
        """How many steps it takes."""
        return self.phases[-1].until

    def phase(self, step: int) -> Phase:
        """Returns the phase that a step belongs to."""
        return next(phase for phase in self.phases if step <= phase.until)

    def scaled(self, steps: int) -> "Stage":
        """Returns the same stage in so many steps: every part of it is as much shorter."""
        factor = steps / self.steps
        phases = tuple(
            dataclasses.replace(phase, until=max(1, round(phase.until * factor)))
            for phase in self.phases
        )
        rivalry = self.rivalry
        if rivalry is not None:
            rivalry = dataclasses.replace(rivalry, rates=scaled(rivalry.rates, factor))
        joint_from = self.joint_from
        if joint_from > 1:  # else nothing is learned alone, however long it takes
            joint_from = max(1, round(joint_from * factor))
        return dataclasses.replace(
            self,
            phases=phases,
            rates=scaled(self.rates, factor),
            joint_from=joint_from,
            rivalry=rivalry,
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained, from random weights to the end."""

    id: str
    title: str
    config: HIDiffConfig | DiffIRConfig
    stages: tuple[Stage, ...]
    window: int = 384  # pixels; what crops are cut from is itself cut from a picture
    turns: tuple[int, ...] = ALL_WAYS  # that crops are laid in
    worsening: Worsening  # of folders that have sharp pictures alone
    pool: int = 0  # samples that wait for being drawn again, so that batches are mixed; 0: none

    def stage(self, number: StageNumber) -> Stage:
        """Returns a stage."""
        return self.stages[number - 1]

    def worsening_in(self, number: StageNumber) -> Worsening:
        """Returns what is done to pictures in a stage."""
        return self.stage(number).worsening or self.worsening

    @property
    def teacherless(self) -> bool:
        """Whether a second stage that goes on with trained weights can do without a teacher."""
        return isinstance(self.config, HIDiffConfig)

    @property
    def last_worsening(self) -> Worsening:
        """What is done to pictures in the end."""
        return self.stages[-1].worsening or self.worsening

    def batched(self, count: int) -> "Recipe":
        """Returns the same recipe with so many crops in each step of each process."""
        stages = tuple(
            dataclasses.replace(
                stage,
                phases=tuple(dataclasses.replace(phase, batch=count) for phase in stage.phases),
            )
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)

    def scaled(self, steps: int) -> "Recipe":
        """Returns the same recipe in so many steps, shared between the stages as they were."""
        whole = sum(stage.steps for stage in self.stages)
        stages = tuple(
            stage.scaled(max(1, round(stage.steps * steps / whole))) for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)
