"""The choice of faces with what a mouse needs for it: how many there are, all, none, zoom."""

from __future__ import annotations

from ..presentation.messages import translate
from ..qt import Qt, QtGui, QtWidgets, Signal
from .face_picker import ZOOM_STEP, FaceBox, FacePicker
from .flow_layout import FlowLayout
from .plain_text import PlainLabel, tool_tip


class FaceChooser(QtWidgets.QWidget):
    """Shows a picture with its faces, and lets the user choose among them."""

    changed = Signal()
    """Emitted when there are other faces, or others are selected."""

    def __init__(self) -> None:
        super().__init__()
        self.picker = FacePicker()
        self.count_label = PlainLabel()
        self.count_label.setWordWrap(True)
        self.all_button = _button(translate("&All"), translate("Restore all faces"))
        self.none_button = _button(translate("&None"), translate("Restore no face"))
        self.smaller_button = _button("\u2212", translate("Smaller"))
        self.larger_button = _button("+", translate("Larger"))
        row = FlowLayout()
        for button in (self.all_button, self.none_button, self.smaller_button, self.larger_button):
            row.addWidget(button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.picker, 1)
        layout.addWidget(self.count_label)
        layout.addLayout(row)
        self.all_button.clicked.connect(lambda: self.picker.select_all(selected=True))
        self.none_button.clicked.connect(lambda: self.picker.select_all(selected=False))
        self.larger_button.clicked.connect(lambda: self.picker.zoom_by(ZOOM_STEP))
        self.smaller_button.clicked.connect(lambda: self.picker.zoom_by(1 / ZOOM_STEP))
        self.picker.changed.connect(self._show_count)

    @property
    def boxes(self) -> list[FaceBox]:
        """The faces."""
        return self.picker.boxes

    @property
    def option(self) -> str:
        """What is selected, as the engine's option."""
        return self.picker.option

    def show_faces(self, image: QtGui.QImage, boxes: list[FaceBox], width: int) -> None:
        """Takes a picture and its faces; `width` is the picture's, the image may be smaller."""
        self.picker.show_faces(image, boxes, width)

    def clear(self) -> None:
        """Shows no faces any more."""
        self.picker.clear()

    def _show_count(self) -> None:
        text = translate("{count} of {total} faces are restored")
        count, total = len(self.picker.selected), len(self.boxes)
        self.count_label.setText(text.format(count=count, total=total))
        self.changed.emit()


def _button(text: str, name: str) -> QtWidgets.QPushButton:
    button = QtWidgets.QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(tool_tip(name))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setMinimumWidth(24)
    return button
