"""Learning rates: cosines one after the other, or rates that hold for a while."""

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CosineSegment:
    """So many steps on half a cosine, from one rate to another; a warm-up is one that rises."""

    steps: int
    start: float
    end: float


@dataclass(frozen=True)
class ConstantUntil:
    """One rate for all steps before this one, as far as no other holds."""

    before: int
    rate: float


LearningRates = tuple[CosineSegment, ...] | tuple[ConstantUntil, ...]


def learning_rate(rates: LearningRates, step: int) -> float:
    """Returns the learning rate of a step, counted from 1; after all of them, the last one's.

    The cosine of a step is one position behind, as published: the first step is at position 0, and
    the end of a segment comes one step before the next one leaves its start.
    """
    position = step - 1
    for part in rates:
        if isinstance(part, ConstantUntil):
            if step < part.before:
                return part.rate
        elif position <= part.steps:
            cosine = 0.5 * (1 + math.cos(math.pi * position / part.steps))
            return part.end + cosine * (part.start - part.end)
        else:
            position -= part.steps
    last = rates[-1]
    return last.rate if isinstance(last, ConstantUntil) else last.end


def stretch(rates: LearningRates, factor: float) -> LearningRates:
    """Returns the same rates, drawn out or pressed together in time."""
    return tuple(  # pyright: ignore[reportReturnType] - of one kind, as they were
        dataclasses.replace(part, before=max(2, round(part.before * factor)))
        if isinstance(part, ConstantUntil)
        else dataclasses.replace(part, steps=max(1, round(part.steps * factor)))
        for part in rates
    )
