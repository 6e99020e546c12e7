"""How each model is trained: two stages, their crops, rates and losses.

Source of the published numbers: github.com/zhengchen1999/HI-Diff at b3bfd16, option files
`options/train/*.yml`, and arXiv:2305.12966, section 4.1. RealBlur-R's second stage names no first
one there, and GoPro's is misnamed; what all files agree on is taken for what was meant.
"""

import dataclasses
from dataclasses import dataclass

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.hidiff import COMPACT, GOPRO, REALBLUR, HIDiffConfig
from pixelmend_engine.training.degradations import MILD, STRONG, Degradation
from pixelmend_engine.training.rates import Cycle


@dataclass(frozen=True)
class Phase:
    """A part of a stage: up to which step, with crops of which size, how many in each process."""

    until: int
    patch: int  # pixels a side, a multiple of 8
    batch: int


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the two runs that a model is made by. AdamW; betas are (0.9, 0.999)."""

    phases: tuple[Phase, ...]
    cycles: tuple[Cycle, ...]
    clip: float = 0.01  # of the gradient's norm, over all trained networks together
    weight_decay: float = 1e-4
    average: float | None = None  # decay of the weights' moving average; None: no average is kept
    frequency_weight: float = 0.0  # of the loss between Fourier transforms

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
        cycles = tuple(
            dataclasses.replace(cycle, steps=max(1, round(cycle.steps * factor)))
            for cycle in self.cycles
        )
        return dataclasses.replace(self, phases=phases, cycles=cycles)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained, from random weights to the end."""

    id: str
    title: str
    config: HIDiffConfig
    stages: tuple[Stage, Stage]
    window: int = 384  # pixels; what crops are cut from is itself cut from a picture
    degradation: Degradation  # of folders that have sharp pictures alone

    def batched(self, count: int) -> "Recipe":
        """Returns the same recipe with so many crops in each step of each process."""
        first, second = (
            dataclasses.replace(
                stage,
                phases=tuple(dataclasses.replace(phase, batch=count) for phase in stage.phases),
            )
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=(first, second))

    def scaled(self, steps: int) -> "Recipe":
        """Returns the same recipe in so many steps, shared between the stages as they were."""
        whole = sum(stage.steps for stage in self.stages)
        first, second = (max(1, round(stage.steps * steps / whole)) for stage in self.stages)
        stages = (self.stages[0].scaled(first), self.stages[1].scaled(second))
        return dataclasses.replace(self, stages=stages)


PUBLISHED = Stage(
    phases=(
        Phase(20_000, 128, 16),
        Phase(40_000, 160, 10),
        Phase(60_000, 192, 8),
        Phase(80_000, 256, 4),
        Phase(100_000, 320, 2),
        Phase(300_000, 384, 2),
    ),
    cycles=(Cycle(100_000, 2e-4, 2e-4), Cycle(200_000, 2e-4, 1e-6)),
)

COMPACT_FIRST = Stage(
    phases=(Phase(6_000, 128, 16),),
    cycles=(Cycle(200, 0.0, 8e-4), Cycle(5_800, 8e-4, 1e-4)),
    average=0.999,
    frequency_weight=0.05,
)
COMPACT_SECOND = Stage(
    phases=(Phase(10_000, 128, 16), Phase(15_000, 192, 8), Phase(18_000, 256, 4)),
    cycles=(Cycle(200, 0.0, 8e-4), Cycle(17_800, 8e-4, 1e-6)),
    average=0.999,
    frequency_weight=0.05,
)

RECIPES = (
    Recipe(
        id="compact",
        title="HI-Diff Compact, the bundled model's size",
        config=COMPACT,
        stages=(COMPACT_FIRST, COMPACT_SECOND),
        degradation=MILD,
    ),
    Recipe(
        id="gopro",
        title="HI-Diff GoPro, as published",
        config=GOPRO,
        stages=(PUBLISHED, PUBLISHED),
        degradation=STRONG,
    ),
    Recipe(
        id="realblur",
        title="HI-Diff RealBlur-J and -R, as published",
        config=REALBLUR,
        stages=(PUBLISHED, PUBLISHED),
        degradation=STRONG,
    ),
)


def find(recipe_id: str) -> Recipe:
    """Returns the recipe of that id.

    Raises:
        BadRequest: There is none.
    """
    for recipe in RECIPES:
        if recipe.id == recipe_id:
            return recipe
    raise BadRequest(
        f"There is no recipe `{recipe_id}`", hint=f"Use {', '.join(r.id for r in RECIPES)}"
    )
