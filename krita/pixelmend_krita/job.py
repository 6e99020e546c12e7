"""One job: its kind, what it is made from, and its steps from a document's pixels to a result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Generator, List, Optional

from . import layer_source, pointer, previews, results
from .color_space import ColorSpace
from .layer_source import LayerSource, open_document
from .pixelmend.errors import NoFaceFound, PixelmendError
from .pixelmend.host import host
from .pixelmend.host.background_job import BackgroundJob
from .pixelmend.panel.face_picker import FaceBox
from .pixelmend.panel.task_choices import MERGED, RestoreRequest
from .pixelmend.paths import Paths
from .pixelmend.presentation import forms, messages
from .pixelmend.presentation.messages import translate
from .pixelmend.printable import printable
from .pixelmend.qt import QtGui
from .pixelmend.wire import Event, Json, Raster
from .results import Outcome

RESTORE, DETECT = "restore", "detect"
POLL_S = 0.05  # how often a job looks whether the engine is done with it


@dataclass(frozen=True)
class RestoredPicture:
    """What came of a job that restores."""

    name: str
    before: QtGui.QImage
    after: QtGui.QImage
    notes: List[str]
    details: List[str]  # for who asks
    outcome: Outcome
    raster: Raster
    space: ColorSpace


@dataclass(frozen=True)
class DetectedFaces:
    """What came of a job that detects faces."""

    picture: QtGui.QImage
    boxes: List[FaceBox]
    width: int  # of the picture that the boxes are measured in


class Job:
    """A request, and how far it is. Its source is as it was when the job was made.

    Raises:
        UnsupportedImage: There is nothing to restore.
        EngineUnavailable: Nobody knows where the engine is.
    """

    def __init__(
        self, request: RestoreRequest, task: Json, engine: host.PluginInstall, document: Any
    ) -> None:
        self.kind = RESTORE if request.task == task["id"] else DETECT
        self.request = request
        self.task = task
        self.engine = engine
        self.document_name = document.name()
        self.source: LayerSource = layer_source.find_source(
            document, task, merged=request.source == MERGED
        )
        self.background_job: Optional[BackgroundJob] = None
        self.canceled = False
        self.ended = False  # the user was told how it ended
        self.arriving = False  # Krita is putting its result in

    @property
    def model(self) -> Optional[Json]:
        """Describes its model; None for `auto`."""
        model = forms.model_of(self.task, self.request.options.get("model"))
        return model and {**model, "folder": str(self.engine.launch.models)}

    def steps(
        self,
        connect: Callable[[BackgroundJob], None],
        tell: Callable[[Event], None],
        end: Callable[[Any], None],
    ) -> Generator[float, None, None]:
        """Does all of it, in pieces.

        `connect` is called with the engine's part before that starts; `tell` with what there is to
        say; `end` once, with what came of it, when nothing can be canceled any more.

        Raises:
            PixelmendError: What went wrong, as the user reads it.
        """
        raster = yield from layer_source.read(self.source)
        self.source = replace(self.source, snapshot=None)  # its memory
        background_job = BackgroundJob(
            self.engine, self.request.task, self.request.options, raster, "Krita"
        )
        self.background_job = background_job
        outcomes: List[str] = []
        background_job.finished.connect(outcomes.append)
        connect(background_job)
        background_job.start()
        while not outcomes:
            yield POLL_S
        if background_job.error is not None:
            raise background_job.error
        if outcomes != [host.DONE]:
            end(None)
        elif self.kind == DETECT:
            faces = yield from self._faces(raster, background_job.facts)
            end(faces)
        else:
            yield from self._restored(raster, background_job, tell, end)

    def _faces(self, raster: Raster, facts: Json) -> Generator[float, None, DetectedFaces]:
        boxes = [_face_box(face) for face in facts["faces"]]
        if not boxes:
            raise NoFaceFound(
                "No face was found in the picture",
                hint="Choose another layer, or let smaller faces count",
            )
        picture = yield from self._preview(raster)
        return DetectedFaces(picture, boxes, raster.width)

    def _preview(self, raster: Raster) -> Generator[float, None, QtGui.QImage]:
        document = open_document(self.source.document)
        return previews.preview(raster, self.source.wire_space, document)

    def _restored(
        self,
        before: Raster,
        background_job: BackgroundJob,
        tell: Callable[[Event], None],
        end: Callable[[Any], None],
    ) -> Generator[float, None, None]:
        result, facts = background_job.result, background_job.facts
        assert result is not None
        name = messages.layer_name(self.task, facts)
        after = yield from self._preview(result)
        picture = yield from self._preview(before)
        outcome = yield from self._arrive(result, name, tell)
        self.arriving = False
        if self.canceled:
            results.take_back(self.source, outcome)
            return
        said, details = messages.notes_of(facts)
        notes = [*self.source.notes, *said, *filter(None, [outcome.note])]
        space = self.source.wire_space
        end(RestoredPicture(name, picture, after, notes, details, outcome, result, space))
        if outcome.layer is not None:
            yield from results.activate(self.source, outcome)

    def _arrive(
        self, result: Raster, name: str, tell: Callable[[Event], None]
    ) -> results.Insertion:
        # A result that exists is never lost, whatever happens to it here.
        def wait() -> Generator[float, None, None]:
            if pointer.is_down():
                tell(Event(0, "arrive", message=translate("Done; waiting until you stop drawing")))
            yield from pointer.released()
            self.arriving = True

        source = self.source
        try:
            if forms.placement(self.task) is None:
                outcome = yield from results.insert(source, result, name, wait)
            elif self.request.enlarged == forms.NEW:
                per_inch = source.per_inch * result.width / source.area.width  # as large in print
                title = printable(f"{source.name}, {name}")
                outcome = yield from results.open_apart(
                    result, source.wire_space, title, wait, per_inch
                )
            else:
                outcome = yield from results.insert_scaled(source, result, name, wait)
        except Exception as error:  # noqa: BLE001 - a door
            failure = expected(error, self.engine.paths)
            return Outcome(False, f"{failure.message}. {failure.hint}.")
        return outcome


def expected(error: Exception, paths: Paths) -> PixelmendError:
    """Returns what the user is told of an error; what nobody expected is written to the log."""
    if isinstance(error, PixelmendError):
        return error
    return host.unexpected_error(error, paths)


def _face_box(face: Json) -> FaceBox:
    left, top, right, bottom = face["box"]
    return FaceBox(left, top, right - left, bottom - top)
