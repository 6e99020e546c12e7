"""A job carried out in a thread, for hosts whose own thread must not wait: the host with Qt.

What the host has to do itself happens before and after; in between, signals tell how far it is.
Runs on Python 3.9: hosts load it.
"""

from __future__ import annotations

import threading

from ..errors import Canceled, PixelmendError
from ..presentation.download_question import DownloadQuestion
from ..qt import QtCore, Signal
from ..wire import Event, Json, Raster
from . import host
from .host import PluginInstall

ASKED_S = 0.1  # how often a job that waits for an answer looks whether it was given up


class BackgroundJob(QtCore.QObject):
    """One picture on its way to the engine and back.

    Its signals arrive in the thread that made it. After `cancel` nothing but `finished` is emitted.
    """

    event_received = Signal(object)
    """Emitted with an `Event`."""
    question_received = Signal(object)
    """Emitted with a `DownloadQuestion`; the job waits for `answer`."""
    finished = Signal(str)
    """Emitted at the end: `host.DONE`, `CANCELED` or `FAILED`."""

    def __init__(
        self,
        engine: PluginInstall,
        task: str,
        options: Json,
        raster: Raster,
        front_end: str = "",
    ) -> None:
        super().__init__()
        self.front_end = front_end  # the editor's name, for others that wait for the engine
        self.result: Raster | None = None
        self.facts: Json = {}
        self.error: PixelmendError | None = None
        self._canceled = threading.Event()
        self._answered = threading.Event()
        self._answer = False
        self._raster = raster
        arguments = (self, engine, task, options)
        # Nobody waits for it: where the editor ends, so does the connection, and then the job.
        self._thread = threading.Thread(target=_run, args=arguments, daemon=True)

    def start(self) -> None:
        """Goes."""
        self._thread.start()

    def cancel(self) -> None:
        """Gives it up; the engine is told within a quarter of a second."""
        self._canceled.set()

    def read(self) -> Raster:
        """Returns the picture."""
        return self._raster

    def write(self, raster: Raster, facts: Json) -> None:
        """Takes what came of it."""
        self.result, self.facts = raster, facts

    def progress(self, event: Event) -> None:
        """Tells how far it is."""
        if not self.canceled():
            self.event_received.emit(event)

    def canceled(self) -> bool:
        """Whether it was given up."""
        return self._canceled.is_set()

    def ask(self, question: DownloadQuestion) -> bool | None:
        """Asks, and waits for the answer; a job that was given up needs none."""
        self.question_received.emit(question)
        while not self._answered.wait(ASKED_S):
            if self.canceled():
                raise Canceled("You canceled it", hint="Start it again")
        return self._answer

    def answer(self, answer: bool) -> None:
        """Takes the answer: whether to download."""
        self._answer = answer
        self._answered.set()

    def show_error(self, error: PixelmendError) -> None:
        """Takes what went wrong."""
        self.error = error


def _run(job: BackgroundJob, engine: PluginInstall, task: str, options: Json) -> None:
    outcome = host.restore(job, engine, task, options, job.front_end)
    job.finished.emit(outcome)
