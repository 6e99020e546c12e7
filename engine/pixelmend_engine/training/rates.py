"""Learning rates: cosines, one after the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cycle:
    """So many steps on half a cosine, from one rate to another; a warm-up is one that rises."""

    steps: int
    start: float
    end: float


def rate(cycles: Sequence[Cycle], step: int) -> float:
    """Returns the learning rate of a step, counted from 1; after the last cycle, its end.

    The cosine of a step is one place behind, as published: the first step is at place 0.
    """
    place = step - 1
    for cycle in cycles:
        if place < cycle.steps:
            fall = 0.5 * (1 + math.cos(math.pi * place / cycle.steps))
            return cycle.end + fall * (cycle.start - cycle.end)
        place -= cycle.steps
    return cycles[-1].end
