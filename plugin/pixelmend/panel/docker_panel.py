"""The panel as an editor with Qt docks it: task, options, the running job, and what came of others.

It knows tasks as the engine describes them, and nothing of editors: states go in, wishes come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, cast

from ..errors import PixelmendError
from ..presentation import forms
from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal
from ..wire import Event, Json
from .chooser import Chooser
from .face_picker import Box
from .form import Form, narrow
from .history import History, Result
from .job_panel import Panel

PANEL_LEAST = 130  # pixels of height that the panel has; what is higher is scrolled
ROOMY = 560  # pixels of height, from which on options and a result are shown together

LAYER, MERGED = "layer", "merged"  # what is restored


@dataclass(frozen=True)
class Wish:
    """What the user wants to have done."""

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


class Dock(QtWidgets.QWidget):
    """Everything that a user of a docked Pixelmend sees."""

    wanted = Signal(object)
    """Emitted with a `Wish`."""
    canceled = Signal()
    """Emitted when the user wants no more of the running job."""
    changed = Signal(object)
    """Emitted with the `Wish` as it is now, to be remembered."""
    reopened = Signal(object)
    """Emitted with a `Result` that the user wants to have as a document."""
    finding = Signal(object)
    """Emitted with the `Wish` that faces are found, to choose among them."""
    dropped = Signal(object)
    """Emitted with a `Result` that the user wants to have forgotten."""

    def __init__(self, icon: Callable[[str], QtGui.QIcon], missing: str = "") -> None:
        super().__init__()
        self.tasks: list[Json] = []
        self.panel: Panel | None = None
        self._icon = icon
        self._working = False
        self._remembered: dict[str, Json] = {}  # by task: the options that were chosen last
        self._enlarged = forms.NEW
        self._built_for = ""

        self.task = self._list("task", translate("Task"))
        self.form = Form()
        self.about = _text("about")
        self.source = self._list("source", translate("What is restored"))
        self.source.addItem(translate("Active layer, or what is selected of it"), LAYER)
        self.source.addItem(translate("Everything that is visible, merged"), MERGED)
        self.chooser = Chooser()
        self.run = QtWidgets.QPushButton(translate("R&estore"))
        self.run.setObjectName("run")
        self.missing = _text("missing")
        self.missing.setText(missing)
        self.history = History()
        self._arrange()
        self._connect()
        self._show_parts()
        self._dress()

    def _list(self, name: str, title: str) -> QtWidgets.QComboBox:
        combo = narrow(QtWidgets.QComboBox())
        combo.setObjectName(name)
        combo.setAccessibleName(title)
        combo.setToolTip(title)
        return combo

    def _arrange(self) -> None:
        inner = QtWidgets.QWidget()
        choices = QtWidgets.QVBoxLayout(inner)
        choices.setContentsMargins(0, 0, 0, 0)
        for widget in (self.task, self.form, self.about, self.source):
            choices.addWidget(widget)
        choices.addStretch(1)
        self.choices = _scrolling()
        self.choices.setWidget(inner)
        self.choices.setMinimumHeight(60)
        self.choices.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self._place = _scrolling()  # where the panel is, while there is one
        self._place.setMinimumHeight(PANEL_LEAST)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.missing)
        layout.addWidget(self.choices, 2)
        layout.addWidget(self.chooser, 2)
        layout.addWidget(self.run)
        layout.addWidget(self._place, 3)
        layout.addWidget(self.history)

    def _connect(self) -> None:
        self.task.currentIndexChanged.connect(self._chosen)
        self.form.changed.connect(self._tell)
        self.source.currentIndexChanged.connect(self._tell)
        self.source.currentIndexChanged.connect(self._forget_faces)
        self.chooser.wanted.connect(self._find)
        self.chooser.changed.connect(self._show_parts)
        self.run.clicked.connect(lambda: self.start(None))
        self.history.opened.connect(self.show_result)
        self.history.reopened.connect(self.reopened)
        self.history.dropped.connect(self.dropped)

    def changeEvent(self, a0: QtCore.QEvent | None) -> None:
        """Takes the icons of another theme."""
        super().changeEvent(a0)
        if a0 is not None and a0.type() == QtCore.QEvent.Type.PaletteChange:
            self._dress()

    def _dress(self) -> None:
        self.run.setIcon(self._icon("tools-wizard"))
        self.history.dress(self._icon)

    def show_tasks(self, tasks: list[Json], remembered: Json) -> None:
        """Takes the tasks, and what `changed` said last."""
        self.tasks = tasks
        self._remembered = cast("dict[str, Json]", remembered.get("options", {}))
        self._built_for = ""
        self._enlarged = str(remembered.get("enlarged", forms.NEW))
        self.source.blockSignals(True)
        self.source.setCurrentIndex(max(0, self.source.findData(remembered.get("source"))))
        self.source.blockSignals(False)
        self.task.blockSignals(True)
        self.task.clear()
        for task in tasks:
            self.task.addItem(translate(task["title"]), task["id"])
        self.task.setCurrentIndex(max(0, self.task.findData(remembered.get("task"))))
        self.task.blockSignals(False)
        self._build()

    def _chosen(self, _: int) -> None:
        self._build()
        self._tell()

    def _build(self) -> None:
        task = self.chosen_task()
        if task is not None and self._built_for != task["id"]:
            self._built_for = task["id"]
            chosen_otherwise = forms.finds(task).get("chooses")
            fields = [one for one in forms.fields(task) if one.name != chosen_otherwise]
            place = forms.place(task)
            before = {**self._remembered.get(task["id"], {}), "place": self._enlarged}
            fields += [] if place is None else [place]
            self.form.ask(fields, {one.name: forms.answer(one, before) for one in fields})
        self._show_parts()

    def chosen_task(self) -> Json | None:
        """Returns the task that is chosen; None where there is none to choose from."""
        chosen = self.task.currentData()
        return next((task for task in self.tasks if task["id"] == chosen), None)

    def wish(self) -> Wish | None:
        """Returns what is chosen now."""
        task = self.chosen_task()
        if task is None:
            return None
        answers = self.form.answers()
        self._enlarged = str(answers.get("place", self._enlarged))
        options = forms.options(task, answers)
        finds = forms.finds(task)
        if finds:
            options[finds["chooses"]] = self.chooser.answer
        return Wish(task["id"], options, str(self.source.currentData()), self._enlarged)

    def _forget_faces(self, *_: Any) -> None:
        self.chooser.forget()

    def _tell(self, *_: Any) -> None:
        wish = self.wish()
        if wish is None:
            return
        self._remembered[wish.task] = wish.options
        self._show_parts()
        told = wish.to_json()
        self.changed.emit({**told, "options": self._remembered})

    def start(self, task: str | None) -> None:
        """Asks for what is chosen; of another task, for what was chosen there last."""
        if task is not None:
            self.task.setCurrentIndex(max(0, self.task.findData(task)))
        wish = self.wish()
        if wish is not None and not self._working:
            self.wanted.emit(wish)

    def _find(self) -> None:
        task, wish = self.chosen_task(), self.wish()
        if task is not None and wish is not None and not self._working:
            finds = forms.finds(task)
            asked = {name: wish.options[name] for name in finds["options"] if name in wish.options}
            self.finding.emit(Wish(finds["task"], asked, wish.source))

    def _show_parts(self) -> None:
        task = self.chosen_task()
        self.missing.setVisible(not self.tasks and bool(self.missing.text()))
        # In a low docker there is room for one of them.
        room = self.panel is None or (self.height() >= ROOMY and not self._working)
        self.choices.setVisible(bool(self.tasks) and room)
        self._place.setVisible(self.panel is not None)
        self.run.setVisible(bool(self.tasks) and not self._working)
        finds = task is not None and bool(forms.finds(task))
        self.chooser.setVisible(finds and room and not self._working)
        self.run.setEnabled(not self._working and not (finds and not self.chooser.answer))
        self.about.setText("" if task is None else self._model_text(task))
        self.about.setVisible(bool(self.about.text()))

    def _model_text(self, task: Json) -> str:
        chosen = self.form.answers().get("model", "auto")
        model = forms.model_of(task, chosen)
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

    def _new_panel(self) -> Panel:
        self._remove_panel()  # the one of the last result
        panel = Panel()
        panel.setObjectName("panel")
        panel.canceled.connect(self.canceled)
        panel.closed.connect(self._remove_panel)
        self.panel = panel
        layout = panel.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, 0, 0)
        self._place.setWidget(panel)
        return panel

    def _remove_panel(self) -> None:
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.canceled.disconnect()
            panel.closed.disconnect()
            self._place.takeWidget()
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

    def show_faces(self, image: QtGui.QImage, boxes: list[Box], width: int) -> None:
        """Shows the faces that were found; `width` is the picture's, the image may be smaller."""
        self._working = False
        self._remove_panel()
        self.chooser.show_faces(image, boxes, width)

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
    words = [str(model["title"])]
    if model.get("weights") == "missing":
        known = forms.download_size(model)
        text = translate("is downloaded on first use: {size}")
        words.append(text.format(size=known) if known else translate("not on this computer"))
    elif model.get("weights"):
        words.append(translate("on this computer"))
    return ": ".join(words)


def _scrolling() -> QtWidgets.QScrollArea:
    area = QtWidgets.QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _text(name: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMinimumWidth(1)
    return label
