"""What is trained, where, and how far it is."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.evaluation.prior_health import PriorHealth
from pixelmend_engine.training.recipes.recipe import Recipe, Stage, StageNumber


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """Everything that the weights at the end of one stage depend on."""

    recipe: Recipe
    number: StageNumber
    folders: tuple[TrainingFolder, ...]
    seed: int = 0
    teacher: tuple[Path, ...] = ()  # files of stage 1; for later stages
    start: tuple[Path, ...] = ()  # files of stage 2; for stage 3, or for a stage 2 to go on from
    base: tuple[Path, ...] = ()  # files of what DiffBIR's second stage stands on
    captions: bool = False  # a text file beside each picture says what is on it
    pool: int | None = None  # samples that a second stage of DiffBIR draws from; None: by pictures
    discriminator: Path | None = None  # where it begins; None: with random weights
    perceptual_weights: Path | None = None  # of the network that compares pictures; None: not
    validation_side: int = 256  # pixels

    @property
    def stage(self) -> Stage:
        """The numbers of the stage."""
        return self.recipe.stage(self.number)

    @property
    def degradation(self) -> DegradationSettings:
        """What is done to pictures."""
        return self.recipe.degradation_of_stage(self.number)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where and how a run goes on; none of it decides which batches are seen."""

    device: Literal["auto", "cpu"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compiled: bool = False
    at_once: int | None = None  # pictures that are computed together; None: all of a step
    minutes: float = math.inf  # then the run stops, to be resumed
    save_every: int = 1000  # steps; a validation comes with it
    report_every: int = 20  # steps


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """How far a run is."""

    step: int
    steps: int
    rate: float
    images_per_s: float
    losses: dict[str, float]
    # With each validation: its and input in dB, and the SSIM of recipes that enlarge.
    scores: dict[str, float] = field(default_factory=dict[str, float])
    health: PriorHealth | None = None  # the same


ProgressCallback = Callable[[TrainingProgress], None]
