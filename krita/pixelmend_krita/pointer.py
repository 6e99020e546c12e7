"""Whether somebody is drawing: what arrives meanwhile would break off a lasso or a stroke."""

from __future__ import annotations

from typing import Any, Generator, List

from krita import Krita

from .pixelmend.qt import Qt, QtCore, QtWidgets

POLL_S = 0.1


class Stylus(QtCore.QObject):
    """Knows whether a stylus touches its tablet; Qt remembers that of a mouse alone."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self._watched: List[Any] = []  # windows that tell; what is in them hears later

    def watch(self) -> None:
        """Listens to every window of Krita's that is there now."""
        for window in Krita.instance().windows():
            handle = window.qwindow().windowHandle()
            if handle is not None and not any(handle is one for one in self._watched):
                handle.installEventFilter(self)
                self._watched.append(handle)

    def eventFilter(self, a0: Any, a1: Any) -> bool:  # noqa: ARG002, N802 - Qt's
        """Takes note of a stylus, and lets everything pass."""
        kind = QtCore.QEvent.Type
        if a1.type() == kind.TabletPress:
            self.down = True
        elif a1.type() in (kind.TabletRelease, kind.TabletLeaveProximity):
            self.down = False
        return False


_stylus: List[Stylus] = []


def watch() -> Stylus:
    """Begins to listen, if need be; returns what is known of the stylus."""
    if not _stylus:
        _stylus.append(Stylus())
    _stylus[0].watch()
    return _stylus[0]


def is_down() -> bool:
    """Whether a button of the mouse is held, or a stylus touches its tablet."""
    return watch().down or QtWidgets.QApplication.mouseButtons() != Qt.MouseButton.NoButton


def released() -> Generator[float, None, None]:
    """Waits until nobody draws."""
    while is_down():
        yield POLL_S
