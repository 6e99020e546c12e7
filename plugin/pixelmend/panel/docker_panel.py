"""All of Pixelmend as an editor docks it: choices, the running job, and what came of others.

It knows tasks as the engine describes them, and nothing of editors: states go in, requests come
out. Nothing that arrives takes the keyboard from the editor's canvas, and nothing makes it higher:
all but the buttons lies in one area that scrolls.
"""

from __future__ import annotations

import dataclasses
from typing import Callable

from ..errors import PixelmendError
from ..presentation import forms
from ..presentation.download_question import DownloadQuestion
from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal
from ..wire import Event, Json
from .face_chooser import FaceChooser
from .face_picker import FaceBox
from .history import History, Result
from .job_view import JobView
from .task_choices import RestoreRequest, TaskChoices, text_label

LEAST_HEIGHT = 90  # pixels of what scrolls


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
        self.view: JobView | None = None  # of a job that runs, or has ended
        self.working = False
        self._icon = icon
        self.choices = TaskChoices()
        self.find_button = _button(translate("&Find faces"), "find")
        self.face_chooser = FaceChooser()
        self.run_button = _button(translate("R&estore"), "run")
        self.cancel_button = _button(translate("&Cancel"), "cancel")
        self.close_button = _button(translate("&Close"), "close")
        self.missing_label = text_label("missing")
        self.missing_label.setText(missing)
        self.notice = text_label("notice")
        self.history = History()
        self._arrange()
        self._connect()
        self._show_parts()
        self._apply_icons()

    def _arrange(self) -> None:
        inner = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        self._job_area = QtWidgets.QWidget()  # where the view of a job is, while there is one
        job = QtWidgets.QVBoxLayout(self._job_area)
        job.setContentsMargins(0, 0, 0, 0)
        self.close_button.hide()
        for widget in (self.missing_label, self.choices, self.find_button, self.face_chooser):
            column.addWidget(widget)
        column.addWidget(self._job_area)
        column.addWidget(self.history)
        column.addStretch(1)
        self.scroll_area = QtWidgets.QScrollArea()
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setMinimumHeight(LEAST_HEIGHT)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_area.setWidget(inner)
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.run_button, 1)
        buttons.addWidget(self.cancel_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.scroll_area, 1)
        layout.addWidget(self.notice)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.choices.changed.connect(self._choices_changed)
        self.choices.source_changed.connect(self.face_chooser.clear)
        self.find_button.clicked.connect(lambda: self._request_detection())
        self.face_chooser.changed.connect(self._show_parts)
        self.run_button.clicked.connect(lambda: self.start(None))
        self.cancel_button.clicked.connect(lambda: self.canceled.emit())
        self.close_button.clicked.connect(lambda: self.close_view())
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
        self.choices.show_tasks(tasks, choices)
        self._show_parts()

    def _choices_changed(self) -> None:
        self._show_parts()
        self.choices_changed.emit(self.choices.to_json())

    def request(self) -> RestoreRequest | None:
        """Returns what is chosen now, with the faces."""
        task, request = self.choices.current_task(), self.choices.request()
        if task is None or request is None:
            return None
        detection = forms.detection(task)
        if not detection:
            return request
        options = {**request.options, detection["chooses"]: self.face_chooser.option}
        return dataclasses.replace(request, options=options)

    def start(self, task: str | None) -> None:
        """Asks for what is chosen; of another task, for what was chosen there last."""
        if task is not None:
            self.choices.choose(task)
        request = self.request()
        if request is not None:
            self.restore_requested.emit(request)

    def _request_detection(self) -> None:
        task, request = self.choices.current_task(), self.choices.request()
        if task is not None and request is not None:
            detection = forms.detection(task)
            names = [name for name in detection["options"] if name in request.options]
            options = {name: request.options[name] for name in names}
            request = RestoreRequest(detection["task"], options, request.source)
            self.detection_requested.emit(request)

    def _show_parts(self) -> None:
        task = self.choices.current_task()
        tasks = bool(self.choices.tasks)
        self.missing_label.setVisible(not tasks and bool(self.missing_label.text()))
        self.choices.setVisible(tasks)
        self._job_area.setVisible(self.view is not None)
        self.notice.setVisible(bool(self.notice.text()))
        self.run_button.setVisible(tasks)
        self.cancel_button.setVisible(self.working)
        self.close_button.setVisible(self.view is not None and not self.working)
        detects = task is not None and bool(forms.detection(task))
        self.find_button.setVisible(detects)
        self.face_chooser.setVisible(detects and bool(self.face_chooser.boxes))
        self.run_button.setEnabled(not (detects and not self.face_chooser.option))

    def show_work(self, model: Json | None) -> None:
        """Begins to show a job."""
        self.working = True
        view = self._new_view()
        if model is not None:
            view.show_model(model)
        self._show_parts()
        self._scroll_to_job()

    def _new_view(self) -> JobView:
        self.close_view()  # the one of the last result
        view = JobView()
        view.setObjectName("panel")
        view.answered.connect(self.answered)
        column, own = self._job_area.layout(), view.layout()
        assert column is not None
        assert own is not None
        own.setContentsMargins(0, 0, 0, 0)
        view.bottom.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignBottom)
        for button in view.findChildren(QtWidgets.QPushButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        column.addWidget(view)
        self.view = view
        return view

    def close_view(self) -> None:
        """Shows no job any more."""
        view, self.view = self.view, None
        if view is not None:
            leave_keyboard(view)
            self.close_button.setParent(self._job_area)
            view.hide()
            view.setParent(None)
            view.deleteLater()
        self._show_parts()

    def show_faces(self, image: QtGui.QImage, boxes: list[FaceBox], width: int) -> None:
        """Shows a picture whose faces are to be chosen; `width` is that of the boxes' picture."""
        self.face_chooser.show_faces(image, boxes, width)
        self._scroll_to(self.face_chooser)

    def _scroll_to_job(self) -> None:
        self._scroll_to(self._job_area)

    def _scroll_to(self, part: QtWidgets.QWidget) -> None:
        def scroll() -> None:
            bar = self.scroll_area.verticalScrollBar()
            if part.isVisible() and bar is not None:
                bar.setValue(part.y())

        QtCore.QTimer.singleShot(0, scroll)  # once the area knows how large it has become

    def show_event(self, event: Event) -> None:
        """Shows how far the job is."""
        if self.view is not None and self.working and not event.final:
            self.view.show_event(event)

    def show_question(self, question: DownloadQuestion) -> None:
        """Asks whether a large model may be downloaded."""
        if self.view is not None and self.working:
            self.view.show_question(question)
            self._scroll_to_job()

    def show_notice(self, text: str) -> None:
        """Says in a line what there is to know beside the job; empty: nothing."""
        self.notice.setText(text)
        self._show_parts()

    def show_error(self, error: PixelmendError, details: str) -> None:
        """Shows what went wrong, and what to do."""
        self._end_work()
        view = self.view or self._new_view()
        view.show_error(error, details)
        self._show_parts()
        self._scroll_to_job()

    def show_end(self, result: Result | None) -> None:
        """Shows what came of the job; None: there is nothing to show."""
        self._end_work()
        if result is None:
            self.close_view()
        else:
            self.show_result(result)

    def _end_work(self) -> None:
        self.working = False
        leave_keyboard(self.cancel_button)

    def show_result(self, result: Result) -> None:
        """Shows a result, before and after."""
        if not self.working:
            view = self._new_view()
            view.show_result(result.name, result.notes, result.before, result.after, result.details)
            self._show_parts()
            self._scroll_to_job()

    def show_history(self, results: list[Result]) -> None:
        """Takes the results that are to be listed, the newest first."""
        self.history.show_results(results)


def leave_keyboard(widget: QtWidgets.QWidget) -> None:
    """Gives the keyboard up before a widget goes; Qt would give it to the next one there is."""
    focus = QtWidgets.QApplication.focusWidget()
    if focus is not None and (focus is widget or widget.isAncestorOf(focus)):
        focus.clearFocus()


def _button(text: str, name: str) -> QtWidgets.QPushButton:
    # A click on it leaves the keyboard where it is: Space and Escape are the canvas's.
    button = QtWidgets.QPushButton(text)
    button.setObjectName(name)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
