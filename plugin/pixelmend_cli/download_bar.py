"""How a download is shown: what it is in one line, then on a terminal a bar with speed and time."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, Self

import click

from pixelmend_cli.terminal import print_line

MEASURED_OVER_S = 5.0  # the speed that is shown: of the last seconds, not of hours ago


class DownloadBar:
    """The bar of one download after the other; nothing but one line each where nobody watches."""

    def __init__(self, *, quiet: bool, watched: bool) -> None:
        self._quiet = quiet
        self._hidden = quiet or not watched
        self._open = contextlib.ExitStack()
        self._bar: Any = None  # click keeps the bar's class to itself
        self._samples: list[tuple[float, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def report(self, words: str, done: int, total: int) -> None:
        """Takes what is downloaded, once for each file; bytes done, and in all (0: not known)."""
        if words:
            self._end()
            if not self._quiet:
                print_line(words, err=True)
        if not total:
            self._end()
        if self._hidden or not total or (self._bar is None and done >= total):
            return
        if self._bar is None:
            self._samples = []
            bar = click.progressbar(length=total, label=" ", file=sys.stderr)
            self._bar = self._open.enter_context(bar)
            self._bar.pos = done  # what was here before took no time
        now = time.monotonic()
        self._samples = [(t, d) for t, d in self._samples if t > now - MEASURED_OVER_S] + [
            (now, done)
        ]
        self._bar.label = self._speed()
        self._bar.update(max(0, done - self._bar.pos))
        if done >= total:
            self._end()

    def _speed(self) -> str:
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        if last - first < 1:
            return " "
        return f"{(after - before) / (last - first) / 1e6:.1f} MB/s"

    def _end(self) -> None:
        self._bar = None
        self._open.close()
