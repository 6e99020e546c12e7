"""What came of earlier jobs: a strip of small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal
from .flow_layout import FlowLayout
from .plain_text import tool_tip

THUMBNAIL_SIDE = 56  # pixels


@dataclass(frozen=True)
class Result:
    """One result, as far as it is shown."""

    number: int  # no other has it
    name: str
    before: QtGui.QImage
    after: QtGui.QImage
    notes: tuple[str, ...] = ()
    orphaned: bool = False  # the document that it belongs to is gone, or has another size
    details: str = ""  # for who asks: the options, and more, one a line

    @property
    def size_bytes(self) -> int:
        """How much memory its pictures take."""
        return self.before.sizeInBytes() + self.after.sizeInBytes()


class History(QtWidgets.QWidget):
    """Lists results; a click shows one."""

    opened = Signal(object)
    """Emitted with the `Result` that is to be shown."""
    document_requested = Signal(object)
    """Emitted with the `Result` that is to become a document."""
    removal_requested = Signal(object)
    """Emitted with the `Result` that is to be forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Result] = []
        self.list = QtWidgets.QListWidget()
        self.list.setObjectName("history")
        self.list.setAccessibleName(translate("Earlier results"))
        self.list.setFlow(QtWidgets.QListView.Flow.LeftToRight)
        self.list.setIconSize(QtCore.QSize(THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.list.setFixedHeight(THUMBNAIL_SIDE + 22)
        self.open_button = QtWidgets.QPushButton(translate("Open as a &document"))
        self.forget_button = QtWidgets.QPushButton(translate("&Forget"))
        row = FlowLayout()
        row.addWidget(self.open_button)
        row.addWidget(self.forget_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addLayout(row)
        self.list.itemClicked.connect(lambda _: self._emit_current(self.opened))  # pyright: ignore[reportUnknownLambdaType]
        self.list.itemActivated.connect(lambda _: self._emit_current(self.opened))  # pyright: ignore[reportUnknownLambdaType]
        self.list.currentRowChanged.connect(lambda _: self._show_parts())  # pyright: ignore[reportUnknownLambdaType]
        self.open_button.clicked.connect(lambda: self._emit_current(self.document_requested))
        self.forget_button.clicked.connect(lambda: self._emit_current(self.removal_requested))
        self._show_parts()

    def set_icons(self, icon: Callable[[str], QtGui.QIcon]) -> None:
        """Takes the icons of the theme."""
        self.open_button.setIcon(icon("document-new"))
        self.forget_button.setIcon(icon("edit-delete"))

    def show_results(self, results: list[Result]) -> None:
        """Lists these, the first one at the left."""
        previous = self.current()
        newest = max((one.number for one in self.results), default=0)
        self.results = results
        self.list.clear()
        for result in results:
            item = QtWidgets.QListWidgetItem(_icon(result.after), "")
            text = "\n".join(part for part in (result.name, result.details, *result.notes) if part)
            item.setToolTip(tool_tip(text))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, text)
            self.list.addItem(item)
            if previous is not None and previous.number == result.number:
                self.list.setCurrentItem(item)
        if results and (self.list.currentRow() < 0 or results[0].number > newest):
            self.list.setCurrentRow(0)
        self._show_parts()

    def current(self) -> Result | None:
        """Returns the result that is chosen."""
        row = self.list.currentRow()
        return self.results[row] if 0 <= row < len(self.results) else None

    def _emit_current(self, signal: Any) -> None:
        result = self.current()
        if result is not None:
            signal.emit(result)

    def _show_parts(self) -> None:
        result = self.current()
        self.setVisible(bool(self.results))
        self.open_button.setVisible(result is not None and result.orphaned)
        self.forget_button.setVisible(result is not None)


def _icon(image: QtGui.QImage) -> QtGui.QIcon:
    # Qt would tint the one that is chosen; what is chosen is seen by the frame around it.
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    scaled = image.scaled(THUMBNAIL_SIDE, THUMBNAIL_SIDE, keep, smooth)
    pixmap, icon = QtGui.QPixmap.fromImage(scaled), QtGui.QIcon()
    for mode in (QtGui.QIcon.Mode.Normal, QtGui.QIcon.Mode.Selected):
        icon.addPixmap(pixmap, mode)
    return icon
