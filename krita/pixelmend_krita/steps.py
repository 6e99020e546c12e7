"""Long work in short pieces: between them Krita answers its user."""

from __future__ import annotations

import time
from typing import Any, Callable, Generator

from .pixelmend.qt import QtCore

AT_ONCE_S = 0.02  # a longer piece would be felt while painting

Work = Generator[float, None, Any]  # what it yields is how many seconds it wants to wait


class Steps(QtCore.QObject):
    """Goes through a generator, piece by piece, in the main thread."""

    def __init__(
        self, work: Work, done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__()
        self._work = work
        self._done = done
        self._failed = failed
        self._inside = False
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)
        self._timer.start()

    def stop(self) -> None:
        """Leaves the rest undone."""
        self._timer.stop()
        if not self._inside:
            self._work.close()

    def _go_on(self) -> None:
        # Some of Krita's functions let other events happen before they return, this one as well.
        if self._inside:
            return
        self._inside = True
        started, pause = time.monotonic(), 0.0
        try:
            while not pause and time.monotonic() - started < AT_ONCE_S and self._timer.isActive():
                pause = next(self._work)
            self._timer.setInterval(round(pause * 1000))
        except StopIteration as end:
            self._timer.stop()
            self._done(end.value)
        except Exception as error:  # noqa: BLE001 - a door
            self._timer.stop()
            self._failed(error)
        finally:
            self._inside = False
