"""Which of the faces in a picture are restored: a preview with a box around each."""

from __future__ import annotations

from dataclasses import dataclass

from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal

ALL = "all"  # what the engine takes for every face
MIN_SIDE = 24.0  # pixels on the screen of the smallest place that can be hit
ZOOM_STEP = 1.5
MAX_ZOOM = 32.0
DRAG_PIXELS = 4  # pixels from which on a press is no click, but moves the picture


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
        self.zoom = 1.0  # 1: the whole picture
        self._center = QtCore.QPointF(0.5, 0.5)  # of what is seen, as a share of the picture
        self._pressed: QtCore.QPoint | None = None
        self._dragged = False
        self._last = QtCore.QPoint()
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
        self.zoom, self._center = 1.0, QtCore.QPointF(0.5, 0.5)
        self.update()
        self.changed.emit()

    def clear(self) -> None:
        """Shows no faces any more: another picture has others."""
        self.show_faces(QtGui.QImage(), [], 0)

    def toggle(self, number: int) -> None:
        """Selects a face, or no longer."""
        self.current = number
        self._select(self._selected ^ {number})

    def select_all(self, *, selected: bool) -> None:
        """Selects all faces, or none."""
        self._select(set(range(len(self.boxes))) if selected else set())

    def zoom_by(self, factor: float, place: QtCore.QPointF | None = None) -> None:
        """Shows it larger or smaller around a place of the widget, or the current face."""
        area, center = self.picture_rect(), QtCore.QPointF(self.width() / 2, self.height() / 2)
        zoom = min(MAX_ZOOM, max(1.0, self.zoom * factor))
        if zoom == self.zoom or area.isEmpty():
            return
        if place is None:
            place = self._visible_rect(self.current).center() if self.boxes else center
            kept = center  # the face comes to the middle
        else:
            kept = place
        x, y = (place.x() - area.left()) / area.width(), (place.y() - area.top()) / area.height()
        self.zoom, self._scaled = zoom, None
        area = self.picture_rect()
        across, down = center.x() - kept.x(), center.y() - kept.y()
        self._look_at(x + across / area.width(), y + down / area.height())

    def _look_at(self, x: float, y: float) -> None:
        self._center = QtCore.QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
        self.update()

    def _visible_rect(self, number: int) -> QtCore.QRectF:
        # Where the face itself is, which may be smaller than what can be hit.
        area, box = self.picture_rect(), self.boxes[number]
        scale = area.width() / max(1.0, self._image.width() * self._ratio)
        left, top = area.left() + box.x * scale, area.top() + box.y * scale
        return QtCore.QRectF(left, top, box.width * scale, box.height * scale)

    def _select(self, selected: set[int]) -> None:
        self._selected = selected
        self.changed.emit()
        self.update()

    def picture_rect(self) -> QtCore.QRectF:
        """Returns where the picture lies in the widget; zoomed, it may be larger than that."""
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        width, height = size.width() * self.zoom, size.height() * self.zoom
        left = self._edge(self.width(), width, self._center.x())
        top = self._edge(self.height(), height, self._center.y())
        return QtCore.QRectF(left, top, width, height)

    def _edge(self, visible: int, whole: float, center: float) -> float:
        if whole <= visible:
            return float(int(visible - whole) // 2)
        return min(0.0, max(visible - whole, visible / 2 - center * whole))

    def box_rect(self, number: int) -> QtCore.QRectF:
        """Returns where a face is hit in the widget; never too small for that."""
        rect = self._visible_rect(number)
        across, down = (max(0.0, MIN_SIDE - side) / 2 for side in (rect.width(), rect.height()))
        return rect.adjusted(-across, -down, across, down)

    def paintEvent(self, a0: QtGui.QPaintEvent | None) -> None:
        """Paints the picture and the boxes."""
        if self._image.isNull():
            return
        area = self.picture_rect()
        painter = QtGui.QPainter(self)
        if self.zoom > 1.0:
            painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._image)
        else:
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
        rect = self._visible_rect(number)
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

    def _show_current(self) -> None:
        area, center = self.picture_rect(), self._visible_rect(self.current).center()
        x, y = (center.x() - area.left()) / area.width(), (center.y() - area.top()) / area.height()
        self._look_at(x, y)

    def resizeEvent(self, a0: QtGui.QResizeEvent | None) -> None:
        """Fits the picture anew."""
        self._scaled = None

    def wheelEvent(self, a0: QtGui.QWheelEvent | None) -> None:
        """Zooms where the pointer is; what can't become smaller is left to what scrolls."""
        if a0 is None:
            return
        larger = a0.angleDelta().y() > 0
        if not larger and self.zoom == 1.0:
            a0.ignore()
            return
        self.zoom_by(ZOOM_STEP if larger else 1 / ZOOM_STEP, QtCore.QPointF(a0.position()))
        a0.accept()

    def mousePressEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Begins a click, or to move what is seen."""
        if a0 is not None and a0.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._last = a0.pos()
            self._dragged = False

    def mouseMoveEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Moves a zoomed picture."""
        if a0 is None or self._pressed is None:
            return
        moved = a0.pos() - self._pressed
        self._dragged = self._dragged or moved.manhattanLength() >= DRAG_PIXELS
        if self._dragged and self.zoom > 1.0:
            area, step = self.picture_rect(), a0.pos() - self._last
            x = self._center.x() - step.x() / area.width()
            self._look_at(x, self._center.y() - step.y() / area.height())
            self._last = a0.pos()

    def mouseReleaseEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Toggles the face that was clicked on; of several, the smallest."""
        if a0 is None or self._pressed is None:
            return
        place, self._pressed = QtCore.QPointF(self._pressed), None
        if self._dragged:
            return
        numbers = range(len(self.boxes))
        hit = [number for number in numbers if self.box_rect(number).contains(place)]
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
            self.select_all(selected=len(self._selected) < len(self.boxes))
        elif key in (keys.Key_Plus, keys.Key_Equal, keys.Key_Minus):
            self.zoom_by(1 / ZOOM_STEP if key == keys.Key_Minus else ZOOM_STEP)
        elif key in steps:
            self.current = (self.current + steps[keys(key)]) % len(self.boxes)
            self._show_current()
        else:
            super().keyPressEvent(a0)
