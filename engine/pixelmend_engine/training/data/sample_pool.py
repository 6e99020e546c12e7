"""Samples that wait for being drawn again, so that those of one batch were not made together.

Real-ESRGAN scales all pictures of a batch alike, and mixes batches so. Which samples wait after a
step follows from the step's number; a run that goes on makes them once more, and nothing has to be
kept.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pixelmend_engine.training.batch import Batch

OWN = 180  # sets what is drawn here apart from what else a step draws


class Pool:
    """So many samples, of batches of `count` that `make` makes for a step."""

    def __init__(
        self, size: int, count: int, seed: tuple[int, int], make: Callable[[int], Batch]
    ) -> None:
        self._size = size - size % count
        self._count = count
        self._seed = seed
        self._make = make
        self._done = 0  # steps, all of whose samples went in
        self._waiting: Batch | None = None

    def batch(self, step: int) -> Batch:
        """Returns what a step learns from: its own samples until the pool is full, then others."""
        if step != self._done + 1:
            self._go_to(step - 1)
        fresh = self._make(step)
        waiting = fresh.room_for(self._size) if self._waiting is None else self._waiting
        self._waiting, self._done = waiting, step
        places = self._places(step)
        drawn = fresh if self._filling(step) else waiting.picked(places)
        waiting.put(places, fresh)
        return drawn

    def _filling(self, step: int) -> bool:
        return step * self._count <= self._size

    def _places(self, step: int) -> Tensor:
        """Returns where the samples of a step go, in place of those that it learns from."""
        if self._filling(step):
            return torch.arange((step - 1) * self._count, step * self._count)
        seed, process = self._seed
        rng = np.random.default_rng([seed, step, process, OWN])
        return torch.from_numpy(rng.choice(self._size, self._count, replace=False))

    def _go_to(self, step: int) -> None:
        self._waiting, self._done = None, step
        # Backward: the last sample that went to a place is the one that is there.
        found: dict[int, tuple[int, int]] = {}
        for earlier in range(step, 0, -1):
            for number, place in enumerate(self._places(earlier)):
                found.setdefault(int(place), (earlier, number))
            if len(found) == self._size:
                break
        for earlier in sorted({made for made, _ in found.values()}):
            batch = self._make(earlier)
            if self._waiting is None:
                self._waiting = batch.room_for(self._size)
            kept = {place: n for place, (made, n) in found.items() if made == earlier}
            self._waiting.put(torch.tensor([*kept]), batch.picked(torch.tensor([*kept.values()])))
