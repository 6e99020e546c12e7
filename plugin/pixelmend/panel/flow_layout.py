"""Widgets in lines, as words in a text: what has no room in one goes into the next."""

from __future__ import annotations

from ..qt import Qt, QtCore, QtWidgets


class FlowLayout(QtWidgets.QLayout):
    """Lays its widgets out from left to right, in as many lines as the width asks for."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QtWidgets.QLayoutItem] = []
        self.setContentsMargins(QtCore.QMargins(0, 0, 0, 0))

    def addItem(self, a0: QtWidgets.QLayoutItem | None) -> None:
        """Takes one more."""
        if a0 is not None:
            self._items.append(a0)

    def count(self) -> int:
        """Returns how many there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QtWidgets.QLayoutItem | None:
        """Returns one of them."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QtWidgets.QLayoutItem | None:
        """Gives one of them away."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Says that it takes no more than it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Says that the width decides."""
        return True

    def heightForWidth(self, a0: int) -> int:
        """Returns the height of all lines."""
        return self._arranged(QtCore.QRect(0, 0, a0, 0), move=False)

    def minimumSize(self) -> QtCore.QSize:
        """Returns the size of the largest."""
        size = QtCore.QSize()
        for item in self._visible_items():
            size = size.expandedTo(item.minimumSize())
        return size

    def sizeHint(self) -> QtCore.QSize:
        """Returns the size of a single line."""
        hints = [item.sizeHint() for item in self._visible_items()]
        width = sum(hint.width() for hint in hints) + self._gap() * max(0, len(hints) - 1)
        return QtCore.QSize(width, max((hint.height() for hint in hints), default=0))

    def setGeometry(self, a0: QtCore.QRect) -> None:
        """Puts each in its place."""
        super().setGeometry(a0)
        self._arranged(a0, move=True)

    def _visible_items(self) -> list[QtWidgets.QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _gap(self) -> int:
        return max(0, self.spacing())

    def _arranged(self, area: QtCore.QRect, *, move: bool) -> int:
        x, y, line = area.x(), area.y(), 0
        for item in self._visible_items():
            hint = item.sizeHint()
            width = min(hint.width(), area.width())
            if x > area.x() and x + width > area.x() + area.width():
                x, y, line = area.x(), y + line + self._gap(), 0
            if move:
                item.setGeometry(QtCore.QRect(x, y, width, hint.height()))
            x += width + self._gap()
            line = max(line, hint.height())
        return y + line - area.y()
