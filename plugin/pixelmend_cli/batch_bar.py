"""One line that says how far a batch is: pictures and megapixels an hour, time left, failures."""

import sys
import time

from pixelmend_engine.batch.head import Progress
from pixelmend_engine.batch.records import Totals

SHOWN_EVERY_S = 0.5
MEASURED_OVER_S = 600.0


class BatchBar:
    """The line, on a terminal; nothing anywhere else."""

    def __init__(self, *, watched: bool) -> None:
        self._watched = watched
        self._before = Totals()
        self._shown_at = 0.0
        self._width = 0
        self._samples: list[tuple[float, int, int]] = []  # when; pictures; pixels

    def listed(self, count: int) -> None:
        """Shows how many pictures were found so far."""
        self._show(f"{count:,} pictures found")

    def begin(self, before: Totals) -> None:
        """Takes how far the batch was."""
        self._before = before
        self._shown_at = 0.0

    def show(self, progress: Progress) -> None:
        """Shows how far it is now."""
        now = time.monotonic()
        if not self._watched or now - self._shown_at < SHOWN_EVERY_S:
            return
        self._shown_at = now
        samples = [entry for entry in self._samples if entry[0] > now - MEASURED_OVER_S]
        self._samples = [*samples, (now, progress.finished, progress.pixels)]
        self._show(line(self._before, progress, self._samples))

    def end(self) -> None:
        """Leaves the terminal in order."""
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = 0

    def _show(self, text: str) -> None:
        if self._watched:
            sys.stderr.write(f"\r{text}{' ' * max(0, self._width - len(text))}")
            sys.stderr.flush()
            self._width = len(text)


def line(before: Totals, progress: Progress, samples: list[tuple[float, int, int]]) -> str:
    """Returns what the line says; `seen` has moments with pictures and pixels finished then."""
    waiting = before.waiting - progress.finished
    text = f"{before.done + progress.restored:,}/{before.listed:,} pictures"
    (first, pictures, pixels), (last, pictures_now, pixels_now) = samples[0], samples[-1]
    elapsed, count = last - first, pictures_now - pictures
    if elapsed > 1 and count:
        per_hour = count / elapsed * 3600
        megapixels = (pixels_now - pixels) / 1e6 / elapsed * 3600
        time_left = duration(waiting / (count / elapsed))
        text += f", {per_hour:,.0f} and {megapixels:,.0f} MP an hour, {time_left} left"
    return f"{text}, {progress.failed:,} failed"


def duration(seconds: float) -> str:
    """Writes a time as people say it."""
    minutes = int(seconds / 60)
    if minutes >= 2880:
        return f"{minutes / 1440:.1f} days"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
