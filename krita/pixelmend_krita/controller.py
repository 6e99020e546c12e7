"""The one for all windows: which job runs, what came of others, what the user chose last."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

from krita import Krita

from . import layer_source, previews, results
from .color_space import ColorSpace
from .incremental_task import IncrementalTask
from .layer_source import LayerSource
from .pixelmend.errors import NoFaceFound, PixelmendError, UnsupportedImage
from .pixelmend.host import host
from .pixelmend.host.background_job import BackgroundJob
from .pixelmend.panel.docker_panel import MERGED, RestoreRequest
from .pixelmend.panel.face_picker import ALL, FaceBox
from .pixelmend.panel.history import Result
from .pixelmend.paths import resolve
from .pixelmend.presentation import forms, messages, task_cache
from .pixelmend.presentation.download_question import DownloadQuestion
from .pixelmend.presentation.messages import translate
from .pixelmend.printable import printable
from .pixelmend.qt import QtCore, Signal
from .pixelmend.wire import Event, Json, Raster

FOLDER = Path(__file__).resolve().parent
GROUP, CHOICES = "pixelmend", "choices"  # where Krita keeps our settings
HISTORY_BYTES = 256 * 1024 * 1024  # of pictures; older ones are forgotten


@dataclass(frozen=True)
class StoredResult:
    """A result, and whose it is."""

    result: Result
    document: Any
    raster: Optional[Raster] = None  # where it could not be put into its document
    space: Optional[ColorSpace] = None

    @property
    def size_bytes(self) -> int:
        """How much memory it takes."""
        return self.result.size_bytes + (0 if self.raster is None else len(self.raster.data))


class RunningJob:
    """What is known of the running job."""

    def __init__(self, request: RestoreRequest, task: Json, engine: host.PluginInstall) -> None:
        self.request = request
        self.task = task
        self.engine = engine
        self.source: Optional[LayerSource] = None
        self.raster: Optional[Raster] = None
        self.background_job: Optional[BackgroundJob] = None
        self.incremental_task: Optional[IncrementalTask] = None
        self.canceled = False


class Controller(QtCore.QObject):
    """Runs jobs, one at a time. Dockers show what its signals say."""

    started = Signal(object)
    """Emitted with what is known of the model; None for `auto`."""
    event_received = Signal(object)
    """Emitted with an `Event`."""
    question_received = Signal(object)
    """Emitted with a `DownloadQuestion`; the job waits for `answer`."""
    failed = Signal(object, str)
    """Emitted with a `PixelmendError`, and details of it."""
    finished = Signal(object)
    """Emitted with a `Result`, or None: it was canceled, or faces were detected."""
    faces_found = Signal(object, object, int)
    """Emitted with a picture, the boxes of its faces, and the width that these are pixels of."""
    results_changed = Signal()
    """Emitted when there are other results than before."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: List[StoredResult] = []
        self._job: Optional[RunningJob] = None
        self._opening: Optional[IncrementalTask] = None
        self._count = 0
        self._detected_in: Optional[Tuple[Any, ...]] = None  # where faces were found last
        messages.bind(FOLDER / "locale")
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self.cancel)

    @property
    def working(self) -> bool:
        """Whether a job is running."""
        return self._job is not None

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

    def run(self, request: RestoreRequest) -> None:
        """Begins with a job, unless one is running."""
        if self._job is not None:
            return
        job = None
        try:
            task = next(task for task in self.tasks() if request.task in _task_ids(task))
            job = self._job = RunningJob(request, task, host.read_install(FOLDER))
            self.started.emit(self._model(job))
            job.source = layer_source.find_source(
                _document(), task, merged=request.source == MERGED
            )
            self._check_faces(job)
            self._run_incrementally(layer_source.read(job.source), self._send)
        except Exception as error:  # noqa: BLE001 - a door
            self._fail(error)

    def _check_faces(self, job: RunningJob) -> None:
        # Numbers of faces say nothing in another picture.
        numbers = job.request.options.get(forms.detection(job.task).get("chooses", ""), ALL)
        assert job.source is not None
        if numbers != ALL and job.source.identity != self._detected_in:
            raise UnsupportedImage(
                "The faces were found in another layer, or in one that was moved since",
                hint="Find them again",
            )

    def _model(self, job: RunningJob) -> Optional[Json]:
        model = forms.model_of(job.task, job.request.options.get("model"))
        return model and {**model, "folder": str(job.engine.launch.models)}

    def _run_incrementally(self, work: Any, then: Callable[[Any], None]) -> None:
        assert self._job is not None
        self._job.incremental_task = IncrementalTask(work, self._guarded(then), self._fail)

    def _guarded(self, then: Callable[[Any], None]) -> Callable[[Any], None]:
        # What fails in a slot is shown by Krita in a window that stops everything.
        def call(value: Any) -> None:
            try:
                then(value)
            except Exception as error:  # noqa: BLE001 - a door
                self._fail(error)

        return call

    def _send(self, raster: Raster) -> None:
        job = self._job
        if job is None:
            return
        job.raster = raster
        job.background_job = BackgroundJob(
            job.engine, job.request.task, job.request.options, raster, "Krita"
        )
        job.background_job.event_received.connect(self._forward_event)
        job.background_job.question_received.connect(self._forward_question)
        job.background_job.finished.connect(self._guarded(self._job_finished))
        job.background_job.start()

    def _forward_event(self, event: Event) -> None:
        if self._job is not None and not self._job.canceled:
            self.event_received.emit(event)

    def _forward_question(self, question: DownloadQuestion) -> None:
        if self._job is not None and not self._job.canceled:
            self.question_received.emit(question)

    def answer(self, answer: bool) -> None:
        """Answers the question of the running job: whether to download."""
        if self._job is not None and self._job.background_job is not None:
            self.event_received.emit(Event(0, "queued"))  # no window asks any more
            self._job.background_job.answer(answer)

    def _job_finished(self, outcome: str) -> None:
        job = self._job
        if job is None or job.background_job is None:
            return
        if outcome == host.DONE and not job.canceled and job.request.task != job.task["id"]:
            self._run_incrementally(self._detected_faces(job), self._show_faces)
        elif outcome == host.DONE and not job.canceled:
            self._run_incrementally(self._insert_result(job), self._store)
        elif outcome == host.FAILED and not job.canceled and job.background_job.error is not None:
            self._fail(job.background_job.error)
        else:
            self._job = None

    def _detected_faces(self, job: RunningJob) -> Any:
        background_job, raster, source = job.background_job, job.raster, job.source
        assert background_job is not None
        assert raster is not None
        assert source is not None
        boxes = [_face_box(face) for face in background_job.facts["faces"]]
        if not boxes:
            raise NoFaceFound(
                "No face was found in the picture",
                hint="Choose another layer, or let smaller faces count",
            )
        yield 0.0
        self._detected_in = source.identity
        return previews.preview(raster, source.wire_space), boxes, raster.width

    def _show_faces(self, detected: Any) -> None:
        self._job = None
        self.finished.emit(None)
        self.faces_found.emit(*detected)

    def _insert_result(self, job: RunningJob) -> Any:
        background_job, source, before = job.background_job, job.source, job.raster
        assert background_job is not None
        assert source is not None
        result, facts = background_job.result, background_job.facts
        assert before is not None
        assert result is not None
        name = messages.layer_name(job.task, facts)
        notes = [*source.notes, *facts.get("notes", [])]
        if forms.placement(job.task) is None:
            inserted = yield from results.insert(source, result, name)
        elif job.request.enlarged == forms.NEW:
            per_inch = source.per_inch * result.width / source.area.width  # as large in print
            yield from results.open_apart(
                result, source.wire_space, printable(f"{source.name}, {name}"), per_inch
            )
            inserted = True
        else:
            inserted = yield from results.insert_scaled(source, result, name)
        if not inserted:
            notes.append(translate("Its document was closed, or has got another size"))
        yield 0.0
        after = previews.preview(result, source.wire_space)
        yield 0.0
        picture = previews.preview(before, source.wire_space)
        self._count += 1
        entry = Result(
            number=self._count,
            name=name,
            before=picture,
            after=after,
            notes=tuple(notes),
            orphaned=not inserted,
            details="\n".join(f"{key}: {value}" for key, value in job.request.options.items()),
        )
        without_document = (None, None) if inserted else (result, source.wire_space)
        return StoredResult(entry, source.document, *without_document)

    def _store(self, stored: StoredResult) -> None:
        self._job = None
        self.stored.insert(0, stored)
        while sum(one.size_bytes for one in self.stored) > HISTORY_BYTES and len(self.stored) > 1:
            self.stored.pop()
        self.results_changed.emit()
        self.finished.emit(stored.result)

    def cancel(self) -> None:
        """Gives the running job up. The user is told at once, the engine a moment later."""
        job, self._job = self._job, None
        if job is None:
            return
        job.canceled = True
        if job.incremental_task is not None:
            job.incremental_task.stop()
        if job.background_job is not None:
            _await_end(job.background_job)
        self.finished.emit(None)

    def _fail(self, error: Exception) -> None:
        job, self._job = self._job, None
        paths = resolve() if job is None else job.engine.paths
        failure = (
            error if isinstance(error, PixelmendError) else host.unexpected_error(error, paths)
        )
        details = f"{failure.code}: {failure.message}\n{failure.hint}"
        if job is not None:
            editor = f"krita: {Krita.instance().version()}"
            details = host.details(
                failure, job.engine, editor, job.request.task, job.request.options
            )
        self.failed.emit(failure, details)

    def results_of(self, document: Any) -> List[Result]:
        """Returns the results of a document, and those that have none any more."""
        return [
            one.result for one in self.stored if one.document == document or one.result.orphaned
        ]

    def forget(self, result: Result) -> None:
        """Takes a result out of the list."""
        self.stored = [one for one in self.stored if one.result.number != result.number]
        self.results_changed.emit()

    def open_apart(self, result: Result) -> None:
        """Opens a result whose document is gone as one of its own."""
        stored = next((one for one in self.stored if one.result.number == result.number), None)
        if stored is None or stored.raster is None or stored.space is None:
            return
        work = results.open_apart(stored.raster, stored.space, result.name)
        self._opening = IncrementalTask(work, lambda _: self.forget(result), self._fail)


def _document() -> Any:
    document = Krita.instance().activeDocument()
    if document is None:
        raise UnsupportedImage("No document is open", hint="Open a picture")
    return document


def _task_ids(task: Json) -> Tuple[str, ...]:
    return task["id"], forms.detection(task).get("task", "")


def _face_box(face: Json) -> FaceBox:
    left, top, right, bottom = face["box"]
    return FaceBox(left, top, right - left, bottom - top)


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
