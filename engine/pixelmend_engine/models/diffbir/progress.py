"""Progress through parts of very different kinds, as one number that rises evenly with time."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager

from torch import nn

from pixelmend_engine.models.pipeline import Report
from pixelmend_engine.nn.progress import reporting


class Phases:
    """Adds up phases, each by its share of the time."""

    def __init__(self, report: Report, steps: int, times: Mapping[str, float]) -> None:
        self._report = report
        self._steps = steps
        self._times = times
        self._told = -1

    def report(self, phase: str, done: int, total: int) -> None:
        """Tells how far a phase is; only what is new is told on."""
        names = list(self._times)
        before = sum(self._times[name] for name in names[: names.index(phase)])
        passed = before + self._times[phase] * min(done / total, 1.0)
        step = int(self._steps * passed / sum(self._times.values()) + 1e-9)
        if step > self._told:
            self._told = step
            self._report(step, self._steps)

    @contextmanager
    def hooked(self, phase: str, blocks: Iterable[nn.Module], calls: int) -> Generator[None]:
        """Tells of a phase in which all of the blocks are called so many times."""

        def tell(done: int, total: int) -> None:
            self.report(phase, done, total * calls)

        with reporting(dict.fromkeys(blocks, 1), tell):
            yield
        self.report(phase, 1, 1)
