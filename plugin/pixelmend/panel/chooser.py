"""Finding faces before anything is restored, and choosing among them."""

from __future__ import annotations

from ..presentation.messages import translate
from ..qt import QtGui, QtWidgets, Signal
from .face_picker import Box, Faces

ALL = "all"  # what the engine takes for every face


class Chooser(QtWidgets.QWidget):
    """A button that has faces found; then the picture, with boxes to click on."""

    wanted = Signal()
    """Emitted when faces are to be found."""
    changed = Signal()
    """Emitted when other faces are chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.search = QtWidgets.QPushButton(translate("&Find faces"))
        self.search.setObjectName("find")
        self.faces = Faces()
        self.faces.setVisible(False)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.search)
        layout.addWidget(self.faces, 1)
        self.search.clicked.connect(lambda: self.wanted.emit())
        self.faces.changed.connect(self._tell)

    def _tell(self, _numbers: object) -> None:
        self.changed.emit()

    @property
    def answer(self) -> str:
        """The faces as the engine's option: `all`, or numbers; empty where none is chosen."""
        chosen = self.faces.chosen
        if len(chosen) == len(self.faces.boxes):
            return ALL
        return ",".join(str(number) for number in chosen)

    def show_faces(self, image: QtGui.QImage, boxes: list[Box], width: int) -> None:
        """Takes a picture and its faces; `width` is the picture's, the image may be smaller."""
        self.faces.show_faces(image, boxes, width)
        self.faces.setVisible(bool(boxes))
        self.changed.emit()

    def forget(self) -> None:
        """Shows no faces any more: another picture has others."""
        self.show_faces(QtGui.QImage(), [], 0)
