"""The one for all windows: which jobs run and wait, what came of others, what was chosen last."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional, Tuple

from krita import Krita

from . import pointer, results
from .incremental_task import IncrementalTask
from .job import DetectedFaces, Job, RestoredPicture, expected
from .pixelmend.errors import PixelmendError, UnsupportedImage
from .pixelmend.host import host
from .pixelmend.host.background_job import BackgroundJob
from .pixelmend.panel.face_picker import ALL
from .pixelmend.panel.history import Result
from .pixelmend.panel.task_choices import RestoreRequest
from .pixelmend.paths import resolve
from .pixelmend.presentation import forms, messages, task_cache
from .pixelmend.presentation.download_question import DownloadQuestion
from .pixelmend.qt import QtCore, Signal
from .pixelmend.wire import Event, Json
from .stored_results import StoredResult, StoredResults

FOLDER = Path(__file__).resolve().parent
GROUP, CHOICES, PLACED = "pixelmend", "choices", "placed"  # where Krita keeps our settings


@dataclass(frozen=True)
class JobEnd:
    """How a job ended: one of these, or nothing where it was canceled."""

    document: Any
    document_name: str
    result: Optional[Result] = None
    faces: Optional[DetectedFaces] = None
    error: Optional[PixelmendError] = None
    details: str = ""  # of the error


class Controller(QtCore.QObject):
    """Runs jobs, one after the other. Dockers show what its signals say."""

    started = Signal(object)
    """Emitted with the `Job`."""
    event_received = Signal(object)
    """Emitted with an `Event` of the running job."""
    question_received = Signal(object)
    """Emitted with a `DownloadQuestion`; the job waits for `answer`."""
    ended = Signal(object)
    """Emitted with a `JobEnd`."""
    refused = Signal(object, str)
    """Emitted with a `PixelmendError` and details: a request could not even begin."""
    waiting_changed = Signal(int)
    """Emitted with how many jobs wait for the running one."""
    results_changed = Signal()
    """Emitted when there are other results than before."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = StoredResults()
        self.waiting: List[Job] = []
        self._job: Optional[Job] = None
        self._steps: Optional[IncrementalTask] = None
        self._opening: Optional[IncrementalTask] = None
        self._detected_in: Optional[Tuple[Any, ...]] = None  # where faces were found last
        messages.bind(FOLDER / "locale")
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self._cancel_all)

    @property
    def working(self) -> bool:
        """Whether a job is running, or waits."""
        return bool(self.waiting) or (self._job is not None and not self._job.ended)

    @property
    def busy(self) -> bool:
        """Whether there is something left to do, even after the end of the last job."""
        return bool(self.waiting) or self._job is not None

    def tasks(self) -> List[Json]:
        """Returns what the engine can do."""
        return task_cache.read(FOLDER)

    def saved_choices(self) -> Json:
        """Returns what the user chose last, in whichever session."""
        with contextlib.suppress(ValueError, RecursionError):
            choices = json.loads(Krita.instance().readSetting(GROUP, CHOICES, "{}"))
            if isinstance(choices, dict):
                return choices
        return {}

    def save_choices(self, choices: Json) -> None:
        """Keeps what the user has chosen."""
        Krita.instance().writeSetting(GROUP, CHOICES, json.dumps(choices))

    @property
    def placed(self) -> bool:
        """Whether the docker was shown once, so that its place is the user's."""
        return Krita.instance().readSetting(GROUP, PLACED, "") == "yes"

    @placed.setter
    def placed(self, placed: bool) -> None:
        Krita.instance().writeSetting(GROUP, PLACED, "yes" if placed else "")

    def run(self, request: RestoreRequest) -> None:
        """Takes what is to be restored as it is now; begins once no other job runs."""
        try:
            job = self._job_for(request)
        except Exception as error:  # noqa: BLE001 - a door
            self._refuse(error)
            return
        pointer.watch()
        self.waiting.append(job)
        if self._job is None:
            self._begin_next()
        else:
            self.waiting_changed.emit(len(self.waiting))

    def _job_for(self, request: RestoreRequest) -> Job:
        task = next(task for task in self.tasks() if request.task in _task_ids(task))
        engine = host.read_install(FOLDER)
        job = Job(request, task, engine, _document())
        # Numbers of faces say nothing in another picture.
        numbers = request.options.get(forms.detection(task).get("chooses", ""), ALL)
        if numbers != ALL and job.source.identity != self._detected_in:
            raise UnsupportedImage(
                "The faces were found in another layer, or in one that was moved since",
                hint="Find them again",
            )
        return job

    def _begin_next(self) -> None:
        job = self._job = self.waiting.pop(0)
        self.started.emit(job)
        self.waiting_changed.emit(len(self.waiting))
        self._steps = IncrementalTask(
            job.steps(self._connect, self._forward_event, lambda what: self._end(job, what)),
            lambda _: self._leave(job),
            lambda error: self._fail(job, error),
        )

    def _connect(self, background_job: BackgroundJob) -> None:
        background_job.event_received.connect(self._forward_event)
        background_job.question_received.connect(self._forward_question)

    def _forward_event(self, event: Event) -> None:
        if self._job is not None and not self._job.ended:
            self.event_received.emit(event)

    def _forward_question(self, question: DownloadQuestion) -> None:
        if self._job is not None and not self._job.ended:
            self.question_received.emit(question)

    def answer(self, answer: bool) -> None:
        """Answers the question of the running job: whether to download."""
        if self._job is not None and self._job.background_job is not None:
            self.event_received.emit(Event(0, "queued"))  # no window asks any more
            self._job.background_job.answer(answer)

    def _end(self, job: Job, what: Any) -> None:
        # The user is told; what is left to do after that can't be canceled.
        job.ended = True
        document, name = job.source.document, job.document_name
        if isinstance(what, DetectedFaces):
            self._detected_in = job.source.identity
            self.ended.emit(JobEnd(document, name, faces=what))
        elif isinstance(what, RestoredPicture):
            self.ended.emit(JobEnd(document, name, result=self._store(job, what)))
        else:
            self.ended.emit(JobEnd(document, name))

    def _store(self, job: Job, picture: RestoredPicture) -> Result:
        options = [f"{key}: {value}" for key, value in job.request.options.items()]
        result = Result(
            number=self.stored.next_number(),
            name=picture.name,
            before=picture.before,
            after=picture.after,
            notes=tuple(picture.notes),
            orphaned=not picture.outcome.fits,
            details="\n".join([*options, *picture.details]),
        )
        kept = (None, None) if picture.outcome.fits else (picture.raster, picture.space)
        self.stored.add(StoredResult(result, job.source.document, *kept))
        self.results_changed.emit()
        return result

    def _leave(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            if self.waiting:
                self._begin_next()

    def _fail(self, job: Job, error: Exception) -> None:
        failure = expected(error, job.engine.paths)
        if not job.ended:
            job.ended = True
            editor = f"krita: {Krita.instance().version()}"
            request = job.request
            details = host.details(failure, job.engine, editor, request.task, request.options)
            document, name = job.source.document, job.document_name
            self.ended.emit(JobEnd(document, name, error=failure, details=details))
        self._leave(job)

    def cancel(self) -> None:
        """Gives the running job up. The user is told at once, the engine a moment later.

        Where its result is arriving at this moment, it is taken back.
        """
        job = self._job
        if job is None or job.ended:
            return
        job.canceled = True
        self._end(job, None)
        if not job.arriving:
            if self._steps is not None:
                self._steps.stop()
            if job.background_job is not None:
                _await_end(job.background_job)
            self._leave(job)

    def _cancel_all(self) -> None:
        self.waiting.clear()
        self.cancel()

    def forget(self, result: Result) -> None:
        """Takes a result out of the list."""
        self.stored.remove(result)
        self.results_changed.emit()

    def open_apart(self, result: Result) -> None:
        """Opens a result that has no place in its document as one of its own."""
        stored = self.stored.find(result)
        if stored is None or stored.raster is None or stored.space is None:
            return
        work = results.open_apart(stored.raster, stored.space, result.name, pointer.released)
        self._opening = IncrementalTask(work, lambda _: self.forget(result), self._refuse)

    def _refuse(self, error: Exception) -> None:
        failure = expected(error, resolve())
        self.refused.emit(failure, f"{failure.code}: {failure.message}\n{failure.hint}")


def _document() -> Any:
    document = Krita.instance().activeDocument()
    if document is None:
        raise UnsupportedImage("No document is open", hint="Open a picture")
    return document


def _task_ids(task: Json) -> Tuple[str, ...]:
    return task["id"], forms.detection(task).get("task", "")


_finishing: List[BackgroundJob] = []  # canceled, but their threads still emit


def _await_end(job: BackgroundJob) -> None:
    _finishing.append(job)
    job.finished.connect(lambda _: _finishing.remove(job))
    job.cancel()


_controller: List[Controller] = []


def controller() -> Controller:
    """Returns the controller of this Krita."""
    if not _controller:
        _controller.append(Controller())
    return _controller[0]
