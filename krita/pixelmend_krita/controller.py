"""The one for all windows: which job runs, what came of others, what the user chose last."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

from krita import Krita

from . import previews, results, sources
from .pixelmend.errors import NoFaceFound, PixelmendError, UnsupportedImage
from .pixelmend.host import host
from .pixelmend.host.background_job import Errand
from .pixelmend.panel.chooser import ALL
from .pixelmend.panel.docker_panel import MERGED, Wish
from .pixelmend.panel.face_picker import Box
from .pixelmend.panel.history import Result
from .pixelmend.paths import resolve
from .pixelmend.presentation import forms, messages, task_cache
from .pixelmend.presentation.messages import translate
from .pixelmend.qt import QtCore, Signal
from .pixelmend.wire import Event, Json, Raster
from .sources import Source
from .spaces import Space
from .steps import Steps

FOLDER = Path(__file__).resolve().parent
GROUP, CHOICES = "pixelmend", "choices"  # where Krita keeps our settings
HISTORY_BYTES = 256 * 1024 * 1024  # of pictures; older ones are forgotten


@dataclass(frozen=True)
class Kept:
    """A result, and whose it is."""

    result: Result
    document: str
    raster: Optional[Raster] = None  # where it could not be put into its document
    space: Optional[Space] = None

    @property
    def size_bytes(self) -> int:
        """How much memory it takes."""
        return self.result.size_bytes + (0 if self.raster is None else len(self.raster.data))


class Job:
    """What is known of the running job."""

    def __init__(self, wish: Wish, task: Json, engine: host.Installed) -> None:
        self.wish = wish
        self.task = task
        self.engine = engine
        self.source: Optional[Source] = None
        self.raster: Optional[Raster] = None
        self.errand: Optional[Errand] = None
        self.steps: Optional[Steps] = None
        self.given_up = False


class Controller(QtCore.QObject):
    """Runs jobs, one at a time. Dockers show what its signals say."""

    started = Signal(object)
    """Emitted with what is known of the model; None for `auto`."""
    news = Signal(object)
    """Emitted with an `Event`."""
    failed = Signal(object, str)
    """Emitted with a `PixelmendError`, and details of it."""
    ended = Signal(object)
    """Emitted with a `Result`, or None: it was canceled."""
    found = Signal(object, object, int)
    """Emitted with a picture, the boxes of its faces, and the width that these are pixels of."""
    listed = Signal()
    """Emitted when there are other results than before."""
    shown = Signal()
    """Emitted when the docker is to be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: List[Kept] = []
        self._job: Optional[Job] = None
        self._opening: Optional[Steps] = None
        self._count = 0
        self._searched: Optional[Tuple[Any, ...]] = None  # where faces were found last
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

    def remembered(self) -> Json:
        """Returns what the user chose last, in whichever session."""
        with contextlib.suppress(ValueError):
            told = json.loads(Krita.instance().readSetting(GROUP, CHOICES, "{}"))
            if isinstance(told, dict):
                return told
        return {}

    def remember(self, choices: Json) -> None:
        """Keeps what the user has chosen."""
        Krita.instance().writeSetting(GROUP, CHOICES, json.dumps(choices))

    def run(self, wish: Wish) -> None:
        """Begins with a job, unless one is running."""
        if self._job is not None:
            return
        job = None
        try:
            task = next(task for task in self.tasks() if wish.task in _names(task))
            job = self._job = Job(wish, task, host.installed(FOLDER))
            self.started.emit(self._model(job))
            job.source = sources.find(_document(), task, merged=wish.source == MERGED)
            self._check_faces(job)
            self._go(sources.read(job.source), self._send)
        except Exception as error:  # noqa: BLE001 - a door
            self._fail(error)

    def _check_faces(self, job: Job) -> None:
        # Numbers of faces say nothing in another picture.
        chosen = job.wish.options.get(forms.finds(job.task).get("chooses", ""), ALL)
        assert job.source is not None
        if chosen != ALL and job.source.place != self._searched:
            raise UnsupportedImage(
                "The faces were found in another layer, or in one that was moved since",
                hint="Find them again",
            )

    def _model(self, job: Job) -> Optional[Json]:
        model = forms.model_of(job.task, job.wish.options.get("model"))
        return model and {**model, "folder": str(job.engine.launch.models)}

    def _go(self, work: Any, then: Callable[[Any], None]) -> None:
        assert self._job is not None
        self._job.steps = Steps(work, self._guarded(then), self._fail)

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
        job.errand = Errand(job.engine, job.wish.task, job.wish.options, raster)
        job.errand.news.connect(self._tell)
        job.errand.ended.connect(self._guarded(self._arrive))
        job.errand.start()

    def _tell(self, event: Event) -> None:
        if self._job is not None and not self._job.given_up:
            self.news.emit(event)

    def _arrive(self, how: str) -> None:
        job = self._job
        if job is None or job.errand is None:
            return
        if how == host.DONE and not job.given_up and job.wish.task != job.task["id"]:
            self._go(self._faces(job), self._choose)
        elif how == host.DONE and not job.given_up:
            self._go(self._finished(job), self._show)
        elif how == host.FAILED and not job.given_up and job.errand.error is not None:
            self._fail(job.errand.error)
        else:
            self._job = None

    def _faces(self, job: Job) -> Any:
        errand, raster, source = job.errand, job.raster, job.source
        assert errand is not None
        assert raster is not None
        assert source is not None
        boxes = [_box(face) for face in errand.facts["faces"]]
        if not boxes:
            raise NoFaceFound(
                "No face was found in the picture",
                hint="Choose another layer, or let smaller faces count",
            )
        yield 0.0
        self._searched = source.place
        return previews.preview(raster, source.sent), boxes, raster.width

    def _choose(self, seen: Any) -> None:
        self._job = None
        self.found.emit(*seen)

    def _finished(self, job: Job) -> Any:
        errand, source, before = job.errand, job.source, job.raster
        assert errand is not None
        assert source is not None
        result, facts = errand.result, errand.facts
        assert before is not None
        assert result is not None
        name = messages.layer_name(job.task, facts)
        notes = [*source.notes, *facts.get("notes", [])]
        if forms.place(job.task) is None:
            there = yield from results.insert(source, result, name)
        elif job.wish.enlarged == forms.NEW:
            per_inch = source.per_inch * result.width / source.area.width  # as large in print
            yield from results.open_apart(result, source.sent, f"{source.name}, {name}", per_inch)
            there = True
        else:
            there = yield from results.insert_scaled(source, result, name)
        if not there:
            notes.append(translate("Its document was closed, or has got another size"))
        yield 0.0
        after = previews.preview(result, source.sent)
        yield 0.0
        picture = previews.preview(before, source.sent)
        self._count += 1
        shown = Result(
            number=self._count,
            name=name,
            before=picture,
            after=after,
            notes=tuple(notes),
            homeless=not there,
            facts="\n".join(f"{key}: {value}" for key, value in job.wish.options.items()),
        )
        homeless = (None, None) if there else (result, source.sent)
        return Kept(shown, source.document, *homeless)

    def _show(self, kept: Kept) -> None:
        self._job = None
        self.kept.insert(0, kept)
        while sum(one.size_bytes for one in self.kept) > HISTORY_BYTES and len(self.kept) > 1:
            self.kept.pop()
        self.listed.emit()
        self.ended.emit(kept.result)

    def cancel(self) -> None:
        """Gives the running job up. The user is told at once, the engine a moment later."""
        job, self._job = self._job, None
        if job is None:
            return
        job.given_up = True
        if job.steps is not None:
            job.steps.stop()
        if job.errand is not None:
            _let_end(job.errand)
        self.ended.emit(None)

    def _fail(self, error: Exception) -> None:
        job, self._job = self._job, None
        paths = resolve() if job is None else job.engine.paths
        told = error if isinstance(error, PixelmendError) else host.surprise(error, paths)
        details = f"{told.code}: {told.message}\n{told.hint}"
        if job is not None:
            editor = f"krita: {Krita.instance().version()}"
            details = host.details(told, job.engine, editor, job.wish.task, job.wish.options)
        self.failed.emit(told, details)

    def results_of(self, document: Optional[str]) -> List[Result]:
        """Returns the results of a document, and those that have none any more."""
        return [one.result for one in self.kept if one.document == document or one.result.homeless]

    def forget(self, result: Result) -> None:
        """Takes a result out of the list."""
        self.kept = [one for one in self.kept if one.result.number != result.number]
        self.listed.emit()

    def open_apart(self, result: Result) -> None:
        """Opens a result whose document is gone as one of its own."""
        kept = next((one for one in self.kept if one.result.number == result.number), None)
        if kept is None or kept.raster is None or kept.space is None:
            return
        work = results.open_apart(kept.raster, kept.space, result.name)
        self._opening = Steps(work, lambda _: self.forget(result), self._fail)


def _document() -> Any:
    document = Krita.instance().activeDocument()
    if document is None:
        raise UnsupportedImage("No document is open", hint="Open a picture")
    return document


def _names(task: Json) -> Tuple[str, ...]:
    return task["id"], forms.finds(task).get("task", "")


def _box(face: Json) -> Box:
    left, top, right, bottom = face["box"]
    return Box(left, top, right - left, bottom - top)


_finishing: List[Errand] = []  # given up, but their threads still emit


def _let_end(errand: Errand) -> None:
    _finishing.append(errand)
    errand.ended.connect(lambda _: _finishing.remove(errand))
    errand.cancel()


_controller: List[Controller] = []


def controller() -> Controller:
    """Returns the controller of this Krita."""
    if not _controller:
        _controller.append(Controller())
    return _controller[0]
