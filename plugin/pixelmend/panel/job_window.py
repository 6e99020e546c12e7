"""A job in a window of its own, as dialogs are: a key closes it, and its end has the keyboard."""

from __future__ import annotations

import time
from typing import Callable

from ..presentation.messages import translate
from ..qt import Qt, QtGui, QtWidgets, Signal
from .job_view import JobView


class JobWindow(QtWidgets.QWidget):
    """Shows one job; closing it while it works is a cancel."""

    canceled = Signal()
    """Emitted when the user wants no more of it."""
    closed = Signal()
    """Emitted when the user has seen enough."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.view = JobView(clock)
        self.close_button = QtWidgets.QPushButton(translate("&Cancel"))
        self.close_button.setAutoDefault(True)  # Return presses the one that has the focus
        self.view.bottom.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.close_button.clicked.connect(self.close)
        self.view.ended.connect(self._show_end)

    def _show_end(self) -> None:
        self.close_button.setText(translate("&Close"))
        if self.view.compared.isEmpty():
            self.close_button.setFocus()
        else:
            self._enlarge()
            self.view.compare.setFocus()

    def _enlarge(self) -> None:
        # As large as the pictures want, as far as the screen allows.
        screen = self.screen()
        if screen is None:
            return
        free, picture = screen.availableGeometry(), self.view.compared
        width = min(picture.width() + 40, free.width() * 2 // 3)
        height = min(picture.height() + 160, free.height() * 2 // 3)
        self.resize(max(self.width(), width, 480), max(height, 420))
        frame = self.frameGeometry()
        left = max(free.left(), min(frame.left(), free.right() - frame.width()))
        top = max(free.top(), min(frame.top(), free.bottom() - frame.height()))
        self.move(left, top)

    def keyPressEvent(self, a0: QtGui.QKeyEvent | None) -> None:
        """Closes on Escape, as dialogs do."""
        if a0 is not None and a0.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(a0)

    def closeEvent(self, a0: QtGui.QCloseEvent | None) -> None:
        """Takes closing for a cancel while there is something to cancel."""
        super().closeEvent(a0)
        if self.view.working:
            self.canceled.emit()
        QtWidgets.QApplication.processEvents()  # the signal is handled before the window is gone
        self.closed.emit()
