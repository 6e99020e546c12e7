"""Which of the faces in a picture are restored: a preview with a box around each."""

from __future__ import annotations

from dataclasses import dataclass

from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal

ALL = "all"  # what the engine takes for every face
MIN_SIDE = 12.0  # pixels on the screen of the smallest box that can be hit


@dataclass(frozen=True)
class FaceBox:
    """Where a face is, in pixels of the picture."""

    x: float
    y: float
    width: float
    height: float


class FacePicker(QtWidgets.QWidget):
    """Lets the user select faces; all are selected at first."""

    changed = Signal()
    """Emitted when there are other faces, or others are selected."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: list[FaceBox] = []
        self.current = 0  # the one that keys mean
        self._selected: set[int] = set()
        self._image = QtGui.QImage()
        self._scaled: QtGui.QPixmap | None = None  # to fit; made when it is painted
        self._ratio = 1.0  # pixels of the picture to one of the image
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self.setAccessibleName(translate("Faces"))
        self.setAccessibleDescription(
            translate("Arrow keys go from face to face, Space chooses, A chooses all or none")
        )

    @property
    def selected(self) -> list[int]:
        """The numbers of the faces that are selected."""
        return sorted(self._selected)

    @property
    def option(self) -> str:
        """The selection as the engine's option: `all`, or numbers; empty where none is selected."""
        selected = self.selected
        if len(selected) == len(self.boxes):
            return ALL
        return ",".join(str(number) for number in selected)

    def show_faces(self, image: QtGui.QImage, boxes: list[FaceBox], width: int) -> None:
        """Takes a picture and its faces; `width` is the picture's, the image may be smaller."""
        self._image, self.boxes, self._scaled = image, boxes, None
        self._ratio = width / max(1, image.width())
        self.current, self._selected = 0, set(range(len(boxes)))
        self.update()
        self.changed.emit()

    def clear(self) -> None:
        """Shows no faces any more: another picture has others."""
        self.show_faces(QtGui.QImage(), [], 0)

    def toggle(self, number: int) -> None:
        """Selects a face, or no longer."""
        self.current = number
        self._select(self._selected ^ {number})

    def _select(self, selected: set[int]) -> None:
        self._selected = selected
        self.changed.emit()
        self.update()

    def picture_rect(self) -> QtCore.QRectF:
        """Returns where the picture lies in the widget."""
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        return QtCore.QRectF(left, top, size.width(), size.height())

    def box_rect(self, number: int) -> QtCore.QRectF:
        """Returns where a box is drawn in the widget; never too small to be hit."""
        area, box = self.picture_rect(), self.boxes[number]
        scale = area.width() / max(1.0, self._image.width() * self._ratio)
        width, height = box.width * scale, box.height * scale
        left, top = area.left() + box.x * scale, area.top() + box.y * scale
        across, down = max(0.0, MIN_SIDE - width) / 2, max(0.0, MIN_SIDE - height) / 2
        return QtCore.QRectF(left - across, top - down, width + 2 * across, height + 2 * down)

    def paintEvent(self, a0: QtGui.QPaintEvent | None) -> None:
        """Paints the picture and the boxes."""
        if self._image.isNull():
            return
        area = self.picture_rect()
        painter = QtGui.QPainter(self)
        if self._scaled is None:
            self._scaled = self._fitted(area)
        painter.drawPixmap(area.topLeft(), self._scaled)
        for number in range(len(self.boxes)):
            self._paint_box(painter, number)
        painter.end()

    def _fitted(self, area: QtCore.QRectF) -> QtGui.QPixmap:
        ratio = self.devicePixelRatioF()
        size = QtCore.QSize(round(area.width() * ratio), round(area.height() * ratio))
        keep, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode
        pixmap = QtGui.QPixmap.fromImage(
            self._image.scaled(size, keep, smooth.SmoothTransformation)
        )
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def _paint_box(self, painter: QtGui.QPainter, number: int) -> None:
        # Dark below light, so that it is seen on every picture; dashed: not selected.
        rect = self.box_rect(number)
        selected = number in self._selected
        light = self.palette().highlight().color() if selected else QtGui.QColor(255, 255, 255)
        style = Qt.PenStyle.SolidLine if selected else Qt.PenStyle.DashLine
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QtGui.QPen(QtGui.QColor(0, 0, 0, 160), 4))
        painter.drawRect(rect)
        painter.setPen(QtGui.QPen(light, 2, style))
        painter.drawRect(rect)
        if number == self.current and self.hasFocus():
            painter.setPen(QtGui.QPen(QtGui.QColor(255, 255, 255), 1, Qt.PenStyle.DotLine))
            painter.drawRect(rect.adjusted(-4, -4, 4, 4))

    def resizeEvent(self, a0: QtGui.QResizeEvent | None) -> None:
        """Fits the picture anew."""
        self._scaled = None

    def mousePressEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Toggles the face that was hit; of several, the smallest."""
        if a0 is None or a0.button() != Qt.MouseButton.LeftButton:
            return
        numbers = range(len(self.boxes))
        x, y = float(a0.pos().x()), float(a0.pos().y())
        hit = [number for number in numbers if self.box_rect(number).contains(x, y)]
        if hit:
            self.toggle(min(hit, key=lambda number: self.boxes[number].width))

    def keyPressEvent(self, a0: QtGui.QKeyEvent | None) -> None:
        """Does with keys what the mouse can do."""
        if a0 is None or not self.boxes:
            return
        keys = Qt.Key
        steps = {keys.Key_Left: -1, keys.Key_Up: -1, keys.Key_Right: 1, keys.Key_Down: 1}
        key = a0.key()
        if key == keys.Key_Space:
            self.toggle(self.current)
        elif key == keys.Key_A:
            everyone = set(range(len(self.boxes)))
            self._select(set() if self._selected == everyone else everyone)
        elif key in steps:
            self.current = (self.current + steps[keys(key)]) % len(self.boxes)
            self.update()
        else:
            super().keyPressEvent(a0)
