"""How far the work on a picture is; networks know nothing of it, because hooks tell it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from torch import nn

STEPS = 1000  # of the whole, whatever it consists of

Listener = Callable[[int, int], object]
"""Takes steps done and steps in all; raises `Canceled` when the user asked to stop."""


class Progress:
    """A range of the work: told how far it is, and divided into parts.

    The first is the whole, which tells its listener. That never hears less than before, also where
    a part is done again because it did not fit into memory.
    """

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener
        self._whole = self
        self._start, self._length = 0.0, 1.0  # shares of the whole
        self._step = 0

    def update(self, done: int, total: int) -> None:
        """Says how much of it is done.

        Raises:
            Canceled: The listener said so.
        """
        share = self._start + self._length * min(done / total, 1.0)
        # Sums of shares may be a little less than what they stand for.
        step = max(self._whole._step, int(STEPS * share + 1e-6))
        self._whole._step = step
        if self._whole._listener is not None:
            self._whole._listener(step, STEPS)

    def part(self, weight: float | int, *, after: float | int = 0, of: float | int = 1) -> Progress:
        """Returns the part of it that weighs `weight` of `of`, and comes `after` as much."""
        part = Progress()
        part._whole = self._whole
        part._start = self._start + self._length * after / of
        part._length = self._length * weight / of
        return part


@contextmanager
def reporting(
    weights: Mapping[nn.Module, int], progress: Progress, calls: int = 1
) -> Generator[None]:
    """Reports each of the blocks as it ends, by its share of the work; all are called so often."""
    done, total = 0, sum(weights.values()) * calls

    def after(block: nn.Module, *_: object) -> None:
        nonlocal done
        done += weights[block]
        progress.update(done, total)

    handles = [block.register_forward_hook(after) for block in weights]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    if done < total:
        progress.update(1, 1)
