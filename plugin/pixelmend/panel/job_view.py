"""One job, as it is seen: it shows what it is told, and never asks for the keyboard.

Krita's docker is one place for it, the window that `pixelmend.panel` opens for GIMP another. What a
window does besides (a key that closes it, what has the focus at the end) is in `job_window`.
"""

from __future__ import annotations

import time
from typing import Callable

from ..errors import PixelmendError
from ..presentation.download_question import DownloadQuestion
from ..presentation.messages import (
    format_bytes,
    format_time_left,
    fraction_done,
    headline,
    translate,
)
from ..printable import printable_lines
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal
from ..wire import Event, Json
from .compare import CompareView
from .flow_layout import FlowLayout
from .plain_text import PlainLabel

BAR_STEPS = 1000


class JobView(QtWidgets.QWidget):
    """One job, from its start to what came of it."""

    ended = Signal()
    """Emitted once, when nothing more will be heard of the job."""
    answered = Signal(bool)
    """Emitted with the answer to a question: whether to download."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.working = True
        self._clock = clock
        self._since: tuple[str, float, int] = ("", 0.0, 0)  # a phase, when it began, at how much
        self._error = ""
        self._estimate = ""  # how long it takes, as the engine said
        self._before = QtGui.QImage()

        self.headline = PlainLabel()
        font = self.headline.font()
        font.setBold(True)
        self.headline.setFont(font)
        self.headline.setWordWrap(True)
        self.progress_bar = QtWidgets.QProgressBar()
        self.progress_bar.setTextVisible(False)
        self.progress_bar.setAccessibleName(translate("Progress"))
        self.time_left = PlainLabel()
        self.model = PlainLabel()
        self.hint = PlainLabel()
        for label in (self.time_left, self.model, self.hint):
            label.setWordWrap(True)
            label.setMinimumWidth(1)  # a long word must not make the panel wider
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.icon = PlainLabel()
        self.compare = CompareView()
        self.details = QtWidgets.QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setMaximumHeight(140)
        self.details.setAccessibleName(translate("Details"))

        self.download_button = self._button("")
        self.decline_button = self._button("")
        self.fit_button = self._button(translate("&Whole picture"), checkable=True)
        self.actual_size_button = self._button("&100 %", checkable=True)
        self.original_button = self._button(translate("&Original (hold)"))
        self.details_button = self._button(translate("&Details"), checkable=True)
        self.copy_button = self._button(translate("Co&py details"))
        self._arrange()
        self._connect()
        self._show_parts()
        self.show_event(Event(0, "queued"))

    def _button(self, text: str, *, checkable: bool = False) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text)
        button.setCheckable(checkable)
        button.setAutoDefault(True)  # Return presses the one that has the focus
        return button

    def _arrange(self) -> None:
        top = QtWidgets.QHBoxLayout()
        top.addWidget(self.icon)
        top.addWidget(self.headline, 1)
        self.views = QtWidgets.QWidget()
        views = QtWidgets.QVBoxLayout(self.views)
        views.setContentsMargins(0, 0, 0, 0)
        views.addLayout(_row(self.fit_button, self.actual_size_button, self.original_button))
        self.question = QtWidgets.QWidget()
        question = QtWidgets.QVBoxLayout(self.question)
        question.setContentsMargins(0, 0, 0, 0)
        question.addLayout(_row(self.download_button, self.decline_button))
        self.question.hide()
        self.bottom = QtWidgets.QHBoxLayout()  # whoever shows this has a button for its end
        self.bottom.addLayout(_row(self.details_button, self.copy_button), 1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(top)
        for widget in (self.progress_bar, self.time_left, self.model, self.hint):
            layout.addWidget(widget)
        layout.addWidget(self.question)
        layout.addWidget(self.compare, 1)
        layout.addWidget(self.views)
        layout.addWidget(self.details)
        layout.addStretch()
        layout.addLayout(self.bottom)

    def _connect(self) -> None:
        self.download_button.clicked.connect(lambda: self._answer(download=True))
        self.decline_button.clicked.connect(lambda: self._answer(download=False))
        self.fit_button.clicked.connect(lambda: self.compare.zoom(actual_size=False))
        self.actual_size_button.clicked.connect(lambda: self.compare.zoom(actual_size=True))
        self.compare.zoomed.connect(self._zoomed)
        self.original_button.pressed.connect(lambda: self.compare.hold(original=True))
        self.original_button.released.connect(lambda: self.compare.hold(original=False))
        self.details_button.toggled.connect(lambda _: self._show_parts())  # pyright: ignore[reportUnknownLambdaType]
        self.copy_button.clicked.connect(self._copy)

    def _zoomed(self, actual_size: bool) -> None:
        self.actual_size_button.setChecked(actual_size)
        self.fit_button.setChecked(not actual_size)

    def _show_parts(self) -> None:
        pictures = not self._before.isNull() and not self.working
        self.compare.setVisible(pictures)
        self.views.setVisible(pictures)
        self.progress_bar.setVisible(self.working)
        self.time_left.setVisible(self.working)
        self.model.setVisible(self.working and bool(self.model.text()))
        self.icon.setVisible(bool(self._error))
        self.hint.setVisible(bool(self.hint.text()))
        self.copy_button.setVisible(bool(self._error))
        self.details.setVisible(self.details_button.isChecked())

    def show_event(self, event: Event) -> None:
        """Shows how far the job is."""
        self.question.hide()  # it was answered, maybe elsewhere
        self.headline.setText(headline(event))
        done = fraction_done(event)
        self.progress_bar.setRange(0, 0 if done is None else BAR_STEPS)
        if done is not None:
            self.progress_bar.setValue(round(done * BAR_STEPS))
        self.time_left.setText(self._status(event))
        if event.phase == "run" and event.message:  # said once, and true until the end
            self._estimate = event.message
            self.hint.setText(event.message)
            self._show_parts()
        line = f"{event.phase} {event.done}/{event.total} {event.message}".strip()
        self.details.appendPlainText(f"{time.strftime('%H:%M:%S')}  {line}")
        if event.final:
            if self.hint.text() == self._estimate:
                self.hint.setText("")
            self._end()

    def _status(self, event: Event) -> str:
        now = self._clock()
        if self._since[0] != event.phase:
            self._since = (event.phase, now, event.done)
        parts = [event.message if event.phase != "run" else ""]
        if event.phase == "download" and event.total:
            parts.append(f"{format_bytes(event.done)} / {format_bytes(event.total)}")
            _, began, first = self._since
            if now > began:
                parts.append(f"{format_bytes((event.done - first) / (now - began))}/s")
        if event.seconds_left is not None:
            parts.append(format_time_left(event.seconds_left))
        return "   ".join(part for part in parts if part)

    def show_model(self, model: Json) -> None:
        """Says which model it is; of one that is not here yet, what comes, whence and where to."""
        text = str(model.get("title", ""))
        if model.get("weights") == "missing":
            known = model.get("size_bytes")
            rows = [
                (translate("Size"), format_bytes(known) if known else translate("not known")),
                (translate("License"), model.get("license", "")),
                (translate("From"), model.get("source", "")),
                (translate("To"), model.get("folder", "")),
            ]
            text = "\n".join([text, *(f"{name}: {value}" for name, value in rows)])
        self.model.setText(text)
        self._show_parts()

    def show_question(self, question: DownloadQuestion) -> None:
        """Asks whether a large model may be downloaded; closing it is a cancel."""
        self.headline.setText(question.title)
        self.time_left.setText(question.about)
        self.download_button.setText(_without_mnemonic(question.download))
        self.decline_button.setText(_without_mnemonic(question.decline))
        self.decline_button.setVisible(question.small is not None)  # else it is *Cancel* below
        self.question.show()

    def _answer(self, *, download: bool) -> None:
        self.question.hide()
        self.time_left.setText("")
        self.answered.emit(download)

    @property
    def compared(self) -> QtCore.QSize:
        """How large the pictures are that are compared; empty where there are none."""
        return self._before.size()

    def show_pictures(self, before: QtGui.QImage, after: QtGui.QImage) -> None:
        """Takes the pictures that are compared once the job is done."""
        self._before = before
        self.compare.show_pictures(before, after)

    def show_notes(self, notes: list[str]) -> None:
        """Says what the user should know of a result, after what was said of others."""
        lines = self.hint.text().splitlines()
        self.hint.setText("\n".join([*lines, *(note for note in notes if note not in lines)]))
        self._show_parts()

    def show_result(
        self,
        name: str,
        notes: tuple[str, ...],
        before: QtGui.QImage,
        after: QtGui.QImage,
        details: str = "",
    ) -> None:
        """Shows a result of which nothing more will be heard."""
        self.show_pictures(before, after)
        self.details.setPlainText(printable_lines(details))
        self.show_event(Event(0, "done"))
        self.headline.setText(name)
        self.hint.setText("\n".join(notes))
        self._show_parts()

    def show_error(self, error: PixelmendError, details: str) -> None:
        """Shows what went wrong, and what to do."""
        self._error = details
        style = self.style()
        assert style is not None
        icon = style.standardIcon(QtWidgets.QStyle.StandardPixmap.SP_MessageBoxWarning)
        self.icon.setPixmap(icon.pixmap(32, 32))
        self.question.hide()
        self.headline.setText(error.message)
        self.hint.setText(error.hint)
        self.details.setPlainText(printable_lines(details))
        self._end()
        self._show_parts()

    def _end(self) -> None:
        if not self.working:
            return
        self.working = False
        self._show_parts()
        if not self._before.isNull():
            self._zoomed(actual_size=False)
        self.ended.emit()

    def _copy(self) -> None:
        clipboard = QtGui.QGuiApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(self._error)


def _row(*widgets: QtWidgets.QWidget) -> FlowLayout:
    row = FlowLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _without_mnemonic(text: str) -> str:
    return text.replace("&", "&&")  # the title of a model is no place for one
