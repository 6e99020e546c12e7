"""The panel as an editor with Qt docks it: task, options, the running job, and what came of others.

It knows tasks as the engine describes them, and nothing of editors: states go in, requests come
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, cast

from ..errors import PixelmendError
from ..presentation import forms
from ..presentation.download_question import DownloadQuestion
from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal
from ..wire import Event, Json
from .face_picker import FacePicker
from .form_widget import Form, narrow
from .history import History, Result
from .job_panel import JobPanel
from .plain_text import PlainLabel, tool_tip

MIN_JOB_HEIGHT = 130  # pixels that the job's panel has; what is higher is scrolled
BOTH_HEIGHT = 560  # pixels, from which on options and a result are shown together

LAYER, MERGED = "layer", "merged"  # what is restored


@dataclass(frozen=True)
class RestoreRequest:
    """What the user wants to have restored, and how."""

    task: str
    options: Json
    source: str = LAYER
    enlarged: str = forms.NEW

    def to_json(self) -> Json:
        """Describes it, so that it can be remembered."""
        return {
            "task": self.task,
            "options": self.options,
            "source": self.source,
            "enlarged": self.enlarged,
        }


class DockerPanel(QtWidgets.QWidget):
    """Everything that a user of a docked Pixelmend sees."""

    restore_requested = Signal(object)
    """Emitted with a `RestoreRequest`."""
    canceled = Signal()
    """Emitted when the user wants no more of the running job."""
    answered = Signal(bool)
    """Emitted with the answer to a question: whether to download."""
    choices_changed = Signal(object)
    """Emitted with all that is chosen now, to be saved."""
    document_requested = Signal(object)
    """Emitted with a `Result` that the user wants to have as a document."""
    detection_requested = Signal(object)
    """Emitted with the `RestoreRequest` to detect faces, to choose among them."""
    removal_requested = Signal(object)
    """Emitted with a `Result` that the user wants to have forgotten."""

    def __init__(self, icon: Callable[[str], QtGui.QIcon], missing: str = "") -> None:
        super().__init__()
        self.tasks: list[Json] = []
        self.panel: JobPanel | None = None
        self._icon = icon
        self._working = False
        self._saved_options: dict[str, Json] = {}  # by task: what was chosen last
        self._enlarged = forms.NEW
        self._form_task = ""

        self.task = self._list("task", translate("Task"))
        self.form = Form()
        self.model_label = _text_label("about")
        self.source = self._list("source", translate("What is restored"))
        self.source.addItem(translate("Active layer, or what is selected of it"), LAYER)
        self.source.addItem(translate("Everything that is visible, merged"), MERGED)
        self.find_button = QtWidgets.QPushButton(translate("&Find faces"))
        self.find_button.setObjectName("find")
        self.face_picker = FacePicker()
        self.run_button = QtWidgets.QPushButton(translate("R&estore"))
        self.run_button.setObjectName("run")
        self.missing_label = _text_label("missing")
        self.missing_label.setText(missing)
        self.history = History()
        self._arrange()
        self._connect()
        self._show_parts()
        self._apply_icons()

    def _list(self, name: str, title: str) -> QtWidgets.QComboBox:
        combo = narrow(QtWidgets.QComboBox())
        combo.setObjectName(name)
        combo.setAccessibleName(title)
        combo.setToolTip(tool_tip(title))
        return combo

    def _arrange(self) -> None:
        inner = QtWidgets.QWidget()
        choices = QtWidgets.QVBoxLayout(inner)
        choices.setContentsMargins(0, 0, 0, 0)
        for widget in (self.task, self.form, self.model_label, self.source):
            choices.addWidget(widget)
        choices.addStretch(1)
        self.choices = _scroll_area()
        self.choices.setWidget(inner)
        self.choices.setMinimumHeight(60)
        self.choices.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self._job_area = _scroll_area()  # where the panel is, while there is one
        self._job_area.setMinimumHeight(MIN_JOB_HEIGHT)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.missing_label)
        layout.addWidget(self.choices, 2)
        layout.addWidget(self.find_button)
        layout.addWidget(self.face_picker, 2)
        layout.addWidget(self.run_button)
        layout.addWidget(self._job_area, 3)
        layout.addWidget(self.history)

    def _connect(self) -> None:
        self.task.currentIndexChanged.connect(self._task_changed)
        self.form.changed.connect(self._emit_changed)
        self.source.currentIndexChanged.connect(self._emit_changed)
        self.source.currentIndexChanged.connect(self._clear_faces)
        self.find_button.clicked.connect(lambda: self._request_detection())
        self.face_picker.changed.connect(self._show_parts)
        self.run_button.clicked.connect(lambda: self.start(None))
        self.history.opened.connect(self.show_result)
        self.history.document_requested.connect(self.document_requested)
        self.history.removal_requested.connect(self.removal_requested)

    def changeEvent(self, a0: QtCore.QEvent | None) -> None:
        """Takes the icons of another theme."""
        super().changeEvent(a0)
        if a0 is not None and a0.type() == QtCore.QEvent.Type.PaletteChange:
            self._apply_icons()

    def _apply_icons(self) -> None:
        self.run_button.setIcon(self._icon("tools-wizard"))
        self.history.set_icons(self._icon)

    def show_tasks(self, tasks: list[Json], choices: Json) -> None:
        """Takes the tasks, and what `choices_changed` was emitted with last."""
        self.tasks = tasks
        self._saved_options = cast("dict[str, Json]", choices.get("options", {}))
        self._form_task = ""
        self._enlarged = str(choices.get("enlarged", forms.NEW))
        self.source.blockSignals(True)
        self.source.setCurrentIndex(max(0, self.source.findData(choices.get("source"))))
        self.source.blockSignals(False)
        self.task.blockSignals(True)
        self.task.clear()
        for task in tasks:
            self.task.addItem(translate(task["title"]), task["id"])
        self.task.setCurrentIndex(max(0, self.task.findData(choices.get("task"))))
        self.task.blockSignals(False)
        self._build_form()

    def _task_changed(self, _: int) -> None:
        self._build_form()
        self._emit_changed()

    def _build_form(self) -> None:
        task = self.current_task()
        if task is not None and self._form_task != task["id"]:
            self._form_task = task["id"]
            picked = forms.detection(task).get("chooses")  # in the picture itself
            fields = [one for one in forms.fields(task) if one.name != picked]
            placement = forms.placement(task)
            values = {**self._saved_options.get(task["id"], {}), "place": self._enlarged}
            fields += [] if placement is None else [placement]
            self.form.set_fields(
                fields, {one.name: forms.initial_value(one, values) for one in fields}
            )
        self._show_parts()

    def current_task(self) -> Json | None:
        """Returns the task that is chosen; None where there is none to choose from."""
        task_id = self.task.currentData()
        return next((task for task in self.tasks if task["id"] == task_id), None)

    def request(self) -> RestoreRequest | None:
        """Returns what is chosen now."""
        task = self.current_task()
        if task is None:
            return None
        values = self.form.values()
        self._enlarged = str(values.get("place", self._enlarged))
        options = forms.options(task, values)
        detection = forms.detection(task)
        if detection:
            options[detection["chooses"]] = self.face_picker.option
        return RestoreRequest(task["id"], options, str(self.source.currentData()), self._enlarged)

    def _clear_faces(self, *_: Any) -> None:
        self.face_picker.clear()

    def _emit_changed(self, *_: Any) -> None:
        request = self.request()
        if request is None:
            return
        self._saved_options[request.task] = request.options
        self._show_parts()
        self.choices_changed.emit({**request.to_json(), "options": self._saved_options})

    def start(self, task: str | None) -> None:
        """Asks for what is chosen; of another task, for what was chosen there last."""
        if task is not None:
            self.task.setCurrentIndex(max(0, self.task.findData(task)))
        request = self.request()
        if request is not None and not self._working:
            self.restore_requested.emit(request)

    def _request_detection(self) -> None:
        task, request = self.current_task(), self.request()
        if task is not None and request is not None and not self._working:
            detection = forms.detection(task)
            names = [name for name in detection["options"] if name in request.options]
            options = {name: request.options[name] for name in names}
            request = RestoreRequest(detection["task"], options, request.source)
            self.detection_requested.emit(request)

    def _show_parts(self) -> None:
        task = self.current_task()
        self.missing_label.setVisible(not self.tasks and bool(self.missing_label.text()))
        # In a low docker there is room for one of them.
        room = self.panel is None or (self.height() >= BOTH_HEIGHT and not self._working)
        self.choices.setVisible(bool(self.tasks) and room)
        self._job_area.setVisible(self.panel is not None)
        self.run_button.setVisible(bool(self.tasks) and not self._working)
        detects = task is not None and bool(forms.detection(task))
        picking = detects and room and not self._working
        self.find_button.setVisible(picking)
        self.face_picker.setVisible(picking and bool(self.face_picker.boxes))
        self.run_button.setEnabled(
            not self._working and not (detects and not self.face_picker.option)
        )
        self.model_label.setText("" if task is None else self._model_text(task))
        self.model_label.setVisible(bool(self.model_label.text()))

    def _model_text(self, task: Json) -> str:
        model = forms.model_of(task, self.form.values().get("model", forms.AUTO))
        if model is None:
            models = cast("list[Json]", task["models"])
            if not models:
                return ""
            model = models[0]
        return model_text(model)

    def show_work(self, model: Json | None) -> None:
        """Begins to show a job."""
        self._working = True
        panel = self._new_panel()
        if model is not None:
            panel.show_model(model)
        self._show_parts()

    def _new_panel(self) -> JobPanel:
        self._remove_panel()  # the one of the last result
        panel = JobPanel()
        panel.setObjectName("panel")
        panel.canceled.connect(self.canceled)
        panel.answered.connect(self.answered)
        panel.closed.connect(self._remove_panel)
        self.panel = panel
        layout = panel.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, 0, 0)
        self._job_area.setWidget(panel)
        return panel

    def _remove_panel(self) -> None:
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.canceled.disconnect()
            panel.closed.disconnect()
            self._job_area.takeWidget()
            panel.hide()
            panel.deleteLater()
        self._show_parts()

    def resizeEvent(self, a0: QtGui.QResizeEvent | None) -> None:
        """Shows as much as there is room for."""
        super().resizeEvent(a0)
        self._show_parts()

    def show_event(self, event: Event) -> None:
        """Shows how far the job is."""
        if self.panel is not None and self._working and not event.final:
            self.panel.show_event(event)

    def show_question(self, question: DownloadQuestion) -> None:
        """Asks whether a large model may be downloaded."""
        if self.panel is not None and self._working:
            self.panel.show_question(question)

    def show_error(self, error: PixelmendError, details: str) -> None:
        """Shows what went wrong, and what to do."""
        self._working = False
        panel = self.panel or self._new_panel()
        panel.show_error(error, details)
        self._show_parts()

    def show_end(self, result: Result | None) -> None:
        """Shows what came of the job; None: it was canceled."""
        self._working = False
        if result is None:
            self._remove_panel()
        else:
            self.show_result(result)
        self._show_parts()

    def show_result(self, result: Result) -> None:
        """Shows a result, before and after."""
        if not self._working:
            panel = self._new_panel()
            panel.show_result(result.name, result.notes, result.before, result.after)
            self._show_parts()

    def show_history(self, results: list[Result]) -> None:
        """Takes the results that are to be listed, the newest first."""
        self.history.show_results(results)


def model_text(model: Json) -> str:
    """Says what a user wants to know of a model before it is used."""
    parts = [str(model["title"])]
    if model.get("weights") == "missing":
        size = forms.download_size(model)
        text = translate("is downloaded on first use: {size}")
        parts.append(text.format(size=size) if size else translate("not on this computer"))
    elif model.get("weights"):
        parts.append(translate("on this computer"))
    return ": ".join(parts)


def _scroll_area() -> QtWidgets.QScrollArea:
    area = QtWidgets.QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _text_label(name: str) -> PlainLabel:
    label = PlainLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMinimumWidth(1)
    return label
