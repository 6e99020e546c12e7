"""Progress through phases of very different kinds, as one number that rises evenly with time."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager

from torch import nn

from pixelmend_engine.models.diffbir.memory_plan import Phase
from pixelmend_engine.models.pipeline import Report
from pixelmend_engine.nn.progress import reporting


class WeightedProgress:
    """Adds up phases, each weighted by its share of the time."""

    def __init__(self, report: Report, steps: int, seconds: Mapping[Phase, float]) -> None:
        self._report = report
        self._steps = steps
        self._seconds = seconds  # of each phase, in their order
        self._last_step = -1

    def report(self, phase: Phase, done: int, total: int) -> None:
        """Reports how far a phase is, where that is a step further than before."""
        phases = list(self._seconds)
        before = sum(self._seconds[name] for name in phases[: phases.index(phase)])
        elapsed = before + self._seconds[phase] * min(done / total, 1.0)
        step = int(self._steps * elapsed / sum(self._seconds.values()) + 1e-9)
        if step > self._last_step:
            self._last_step = step
            self._report(step, self._steps)

    @contextmanager
    def hooked(self, phase: Phase, blocks: Iterable[nn.Module], calls: int) -> Generator[None]:
        """Reports a phase in which each of the blocks is called so many times."""

        def report_phase(done: int, total: int) -> None:
            self.report(phase, done, total * calls)

        with reporting(dict.fromkeys(blocks, 1), report_phase):
            yield
        self.report(phase, 1, 1)
