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

SEED_SALT = 180  # sets what is drawn here apart from what else a step draws


class SamplePool:
    """So many samples, of batches of `count` that `make` makes for a step."""

    def __init__(
        self, size: int, count: int, seed: tuple[int, int], make: Callable[[int], Batch]
    ) -> None:
        self._size = size - size % count
        self._count = count
        self._seed = seed
        self._make = make
        self._done = 0  # steps, all of whose samples went in
        self._pool: Batch | None = None

    def batch(self, step: int) -> Batch:
        """Returns what a step learns from: its own samples until the pool is full, then others."""
        if step != self._done + 1:
            self._rebuild(step - 1)
        fresh = self._make(step)
        pool = fresh.new_zeros(self._size) if self._pool is None else self._pool
        self._pool, self._done = pool, step
        slots = self._slots(step)
        batch = fresh if self._filling(step) else pool.select(slots)
        pool.assign(slots, fresh)
        return batch

    def _filling(self, step: int) -> bool:
        return step * self._count <= self._size

    def _slots(self, step: int) -> Tensor:
        """Returns where the samples of a step go, in place of those that it learns from."""
        if self._filling(step):
            return torch.arange((step - 1) * self._count, step * self._count)
        seed, process = self._seed
        rng = np.random.default_rng([seed, step, process, SEED_SALT])
        return torch.from_numpy(rng.choice(self._size, self._count, replace=False))

    def _rebuild(self, step: int) -> None:
        self._pool, self._done = None, step
        # Backward: the last sample that went to a slot is the one that is there.
        sources: dict[int, tuple[int, int]] = {}
        for earlier in range(step, 0, -1):
            for number, slot in enumerate(self._slots(earlier)):
                sources.setdefault(int(slot), (earlier, number))
            if len(sources) == self._size:
                break
        for earlier in sorted({step_made for step_made, _ in sources.values()}):
            batch = self._make(earlier)
            if self._pool is None:
                self._pool = batch.new_zeros(self._size)
            numbers = {slot: n for slot, (step_made, n) in sources.items() if step_made == earlier}
            self._pool.assign(
                torch.tensor([*numbers]), batch.select(torch.tensor([*numbers.values()]))
            )
