"""What came of earlier jobs: a strip of small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal
from .flow_layout import Flow

SIDE = 56  # pixels of a small picture


@dataclass(frozen=True)
class Result:
    """One result, as far as it is shown."""

    number: int  # no other has it
    name: str
    before: QtGui.QImage
    after: QtGui.QImage
    notes: tuple[str, ...] = ()
    homeless: bool = False  # the document that it belongs to is gone, or has another size
    facts: str = ""  # the model and the options, one a line

    @property
    def size_bytes(self) -> int:
        """How much memory its pictures take."""
        return self.before.sizeInBytes() + self.after.sizeInBytes()


class History(QtWidgets.QWidget):
    """Lists results; a click shows one."""

    opened = Signal(object)
    """Emitted with the `Result` that is to be shown."""
    reopened = Signal(object)
    """Emitted with the `Result` that is to become a document."""
    dropped = Signal(object)
    """Emitted with the `Result` that is to be forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Result] = []
        self.list = QtWidgets.QListWidget()
        self.list.setObjectName("history")
        self.list.setAccessibleName(translate("Earlier results"))
        self.list.setFlow(QtWidgets.QListView.Flow.LeftToRight)
        self.list.setIconSize(QtCore.QSize(SIDE, SIDE))
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.list.setFixedHeight(SIDE + 22)
        self.reopen = QtWidgets.QPushButton(translate("Open as a &document"))
        self.drop = QtWidgets.QPushButton(translate("&Forget"))
        row = Flow()
        row.addWidget(self.reopen)
        row.addWidget(self.drop)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addLayout(row)
        self.list.itemClicked.connect(lambda _: self._tell(self.opened))  # pyright: ignore[reportUnknownLambdaType]
        self.list.itemActivated.connect(lambda _: self._tell(self.opened))  # pyright: ignore[reportUnknownLambdaType]
        self.list.currentRowChanged.connect(lambda _: self._show_parts())  # pyright: ignore[reportUnknownLambdaType]
        self.reopen.clicked.connect(lambda: self._tell(self.reopened))
        self.drop.clicked.connect(lambda: self._tell(self.dropped))
        self._show_parts()

    def dress(self, icon: Callable[[str], QtGui.QIcon]) -> None:
        """Takes the icons of the theme."""
        self.reopen.setIcon(icon("document-new"))
        self.drop.setIcon(icon("edit-delete"))

    def show_results(self, results: list[Result]) -> None:
        """Lists these, the first one at the left."""
        chosen = self.current()
        newest = max((one.number for one in self.results), default=0)
        self.results = results
        self.list.clear()
        for result in results:
            item = QtWidgets.QListWidgetItem(QtGui.QIcon(_small(result.after)), "")
            text = "\n".join(part for part in (result.name, result.facts, *result.notes) if part)
            item.setToolTip(text)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, text)
            self.list.addItem(item)
            if chosen is not None and chosen.number == result.number:
                self.list.setCurrentItem(item)
        if results and (self.list.currentRow() < 0 or results[0].number > newest):
            self.list.setCurrentRow(0)
        self._show_parts()

    def current(self) -> Result | None:
        """Returns the result that is chosen."""
        row = self.list.currentRow()
        return self.results[row] if 0 <= row < len(self.results) else None

    def _tell(self, signal: Any) -> None:
        result = self.current()
        if result is not None:
            signal.emit(result)

    def _show_parts(self) -> None:
        result = self.current()
        self.setVisible(bool(self.results))
        self.reopen.setVisible(result is not None and result.homeless)
        self.drop.setVisible(result is not None)


def _small(image: QtGui.QImage) -> QtGui.QPixmap:
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return QtGui.QPixmap.fromImage(image.scaled(SIDE, SIDE, keep, smooth))
