"""Long work in short pieces: between them Krita answers its user."""

from __future__ import annotations

import time
from typing import Any, Callable, Generator

from .pixelmend.qt import QtCore

SLICE_S = 0.02  # a longer piece would be felt while painting

Work = Generator[float, None, Any]  # what it yields is how many seconds it wants to wait


class IncrementalTask(QtCore.QObject):
    """Goes through a generator, piece by piece, in the main thread."""

    def __init__(
        self, work: Work, done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__()
        self._work = work
        self._done = done
        self._failed = failed
        self._running = False
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._run_slice)
        self._timer.start()

    def stop(self) -> None:
        """Leaves the rest undone."""
        self._timer.stop()
        if not self._running:
            self._work.close()

    def _run_slice(self) -> None:
        # Some of Krita's functions let other events happen before they return, this one as well.
        if self._running:
            return
        self._running = True
        started, pause = time.monotonic(), 0.0
        try:
            while not pause and time.monotonic() - started < SLICE_S and self._timer.isActive():
                pause = next(self._work)
            if self._timer.isActive():
                self._timer.setInterval(round(pause * 1000))
            else:
                self._work.close()  # it was stopped by one of those other events
        except StopIteration as end:
            self._timer.stop()
            self._done(end.value)
        except Exception as error:  # noqa: BLE001 - a door
            self._timer.stop()
            self._failed(error)
        finally:
            self._running = False
