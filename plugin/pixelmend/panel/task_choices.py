"""What is restored, and how: the task, its model and options, and whose pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ..presentation import forms
from ..presentation.messages import translate
from ..qt import Qt, QtWidgets, Signal
from ..wire import Json
from .form_widget import Form, narrow
from .plain_text import PlainLabel, tool_tip

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


class TaskChoices(QtWidgets.QWidget):
    """Lets the user choose; what was chosen for a task comes back with it."""

    changed = Signal()
    """Emitted when the user has chosen something else."""
    source_changed = Signal()
    """Emitted when it is another picture that is to be restored."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Json] = []
        self._saved_options: dict[str, Json] = {}  # by task: what was chosen last
        self._enlarged = forms.NEW
        self._form_task = ""
        self.task = _list("task", translate("Task"))
        self.form = Form()
        self.model_label = text_label("about")
        self.source = _list("source", translate("What is restored"))
        self.source.addItem(translate("Active layer, or what is selected of it"), LAYER)
        self.source.addItem(translate("Everything that is visible, merged"), MERGED)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.task, self.form, self.model_label, self.source):
            layout.addWidget(widget)
        self.task.currentIndexChanged.connect(self._task_changed)
        self.form.changed.connect(self._emit_changed)
        self.source.currentIndexChanged.connect(self._source_changed)

    def show_tasks(self, tasks: list[Json], choices: Json) -> None:
        """Takes the tasks, and what `to_json` returned last."""
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

    def choose(self, task: str) -> None:
        """Chooses a task."""
        self.task.setCurrentIndex(max(0, self.task.findData(task)))

    def _task_changed(self, _: int) -> None:
        self._build_form()
        self._emit_changed()

    def _source_changed(self, _: int) -> None:
        self.source_changed.emit()
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
        self._show_model()

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
        return RestoreRequest(task["id"], options, str(self.source.currentData()), self._enlarged)

    def to_json(self) -> Json:
        """Describes all that is chosen, so that it can be remembered."""
        request = self.request()
        return {} if request is None else {**request.to_json(), "options": self._saved_options}

    def _emit_changed(self) -> None:
        request = self.request()
        if request is not None:
            self._saved_options[request.task] = request.options
            self._show_model()
            self.changed.emit()

    def _show_model(self) -> None:
        task = self.current_task()
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


def text_label(name: str) -> PlainLabel:
    """Makes a label of several lines that is no reason for a docker to be wide."""
    label = PlainLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMinimumWidth(1)
    return label


def _list(name: str, title: str) -> QtWidgets.QComboBox:
    combo = narrow(QtWidgets.QComboBox())
    combo.setObjectName(name)
    combo.setAccessibleName(title)
    combo.setToolTip(tool_tip(title))
    return combo
