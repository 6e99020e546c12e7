"""Two states of a picture, one over the other: a divider between them, whole or pixel by pixel."""

from __future__ import annotations

from ..presentation.messages import translate
from ..qt import Qt, QtCore, QtGui, QtWidgets, Signal

GRIP_PIXELS = 12  # pixels to either side of the divider that take hold of it
DIVIDER_STEP = 0.05  # of the width, by which a key moves the divider
PAN_PIXELS = 60  # pixels by which a key moves a picture that is shown pixel by pixel


class CompareView(QtWidgets.QWidget):
    """Shows `before` left of a divider and `after` right of it."""

    zoomed = Signal(bool)
    """Emitted when the zoom was changed: whether it is 100 % now."""

    def __init__(self) -> None:
        super().__init__()
        self.divider = 0.5  # share of the picture's width
        self.actual_size = False  # one pixel of the picture is one of the screen
        self._before = self._after = QtGui.QImage()
        self._scaled: tuple[QtGui.QPixmap, QtGui.QPixmap] | None = None  # to fit, once painted
        self._center = QtCore.QPointF(0.5, 0.5)  # of what is seen, as a share of the picture
        self._holding = False  # the original alone, as long as a key or button is held
        self._dragged = ""  # "divider" or "picture", while the mouse is down
        self._last = QtCore.QPoint()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self.setMinimumSize(160, 100)
        self.setMouseTracking(True)
        self.setAccessibleName(translate("Before and after"))
        self.setAccessibleDescription(
            translate("Arrow keys move the divider, Space shows the original, 1 shows every pixel")
        )

    def show_pictures(self, before: QtGui.QImage, after: QtGui.QImage) -> None:
        """Takes two pictures of one scene; a smaller one before is enlarged for comparison."""
        if before.size() != after.size():
            smooth = Qt.TransformationMode.SmoothTransformation
            before = before.scaled(after.size(), Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
        self._before, self._after, self._scaled = before, after, None
        self.update()

    def zoom(self, *, actual_size: bool) -> None:
        """Shows every pixel, or the whole picture."""
        if self.actual_size != actual_size:
            self.actual_size, self._scaled = actual_size, None
            self.zoomed.emit(actual_size)
            self._cursor(self._last)
            self.update()

    def hold(self, *, original: bool) -> None:
        """Shows the original alone, or both again."""
        self._holding = original
        self.update()

    def picture_rect(self) -> QtCore.QRectF:
        """Returns where the picture lies in the widget; with 100 % it may be larger than that."""
        size = QtCore.QSize(self._after.width(), self._after.height())
        if size.isEmpty():
            return QtCore.QRectF()
        if not self.actual_size:
            size = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
            return QtCore.QRectF(left, top, size.width(), size.height())
        width = size.width() / self.devicePixelRatioF()
        height = size.height() / self.devicePixelRatioF()
        left = self._edge(self.width(), width, self._center.x())
        top = self._edge(self.height(), height, self._center.y())
        return QtCore.QRectF(left, top, width, height)

    def _edge(self, visible: int, whole: float, center: float) -> float:
        if whole <= visible:
            return float(round((visible - whole) / 2))
        return float(round(min(0.0, max(visible - whole, visible / 2 - center * whole))))

    def _divider_x(self) -> float:
        area = self.picture_rect()
        return area.left() + self.divider * area.width()

    def paintEvent(self, a0: QtGui.QPaintEvent | None) -> None:
        """Paints what is to be seen of both."""
        area = self.picture_rect()
        if area.isEmpty():
            return
        painter = QtGui.QPainter(self)
        if self._holding:
            self._paint(painter, 0, area, area)
        else:
            x = min(max(self._divider_x(), area.left()), area.right())
            left = QtCore.QRectF(area.left(), area.top(), x - area.left(), area.height())
            right = QtCore.QRectF(x, area.top(), area.right() - x, area.height())
            self._paint(painter, 0, area, left)
            self._paint(painter, 1, area, right)
            self._paint_divider(painter, round(x))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QtGui.QPen(self.palette().highlight().color(), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint(
        self, painter: QtGui.QPainter, which: int, area: QtCore.QRectF, part: QtCore.QRectF
    ) -> None:
        part = part.intersected(QtCore.QRectF(self.rect()))
        if part.isEmpty():
            return
        if self.actual_size:
            ratio = self.devicePixelRatioF()
            left, top = (part.left() - area.left()) * ratio, (part.top() - area.top()) * ratio
            source = QtCore.QRectF(left, top, part.width() * ratio, part.height() * ratio)
            painter.drawImage(part, (self._before, self._after)[which], source)
            return
        if self._scaled is None:
            self._scaled = (self._fitted(self._before, area), self._fitted(self._after, area))
        painter.setClipRect(part)
        painter.drawPixmap(area.topLeft(), self._scaled[which])
        painter.setClipping(False)

    def _fitted(self, image: QtGui.QImage, area: QtCore.QRectF) -> QtGui.QPixmap:
        # Once for each size: to scale a large picture takes longer than a frame may.
        ratio = self.devicePixelRatioF()
        size = QtCore.QSize(round(area.width() * ratio), round(area.height() * ratio))
        keep, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode
        pixmap = QtGui.QPixmap.fromImage(image.scaled(size, keep, smooth.SmoothTransformation))
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def _paint_divider(self, painter: QtGui.QPainter, x: int) -> None:
        # Dark beside light, so that it is visible on every picture.
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        middle = self.height() // 2
        painter.setPen(QtGui.QPen(QtGui.QColor(0, 0, 0, 140), 3))
        painter.drawLine(x, 0, x, self.height())
        painter.setPen(QtGui.QPen(QtGui.QColor(255, 255, 255), 1))
        painter.drawLine(x, 0, x, self.height())
        painter.setPen(QtGui.QPen(QtGui.QColor(0, 0, 0, 140), 1))
        painter.setBrush(QtGui.QColor(255, 255, 255))
        painter.drawEllipse(
            QtCore.QRect(x - GRIP_PIXELS // 2, middle - GRIP_PIXELS // 2, GRIP_PIXELS, GRIP_PIXELS)
        )

    def resizeEvent(self, a0: QtGui.QResizeEvent | None) -> None:
        """Fits the pictures anew."""
        self._scaled = None

    def changeEvent(self, a0: QtCore.QEvent | None) -> None:
        """Paints the border of the focus in the colors of another theme."""
        super().changeEvent(a0)
        self.update()

    def mousePressEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Takes hold of the divider, or of the picture."""
        if a0 is None or a0.button() != Qt.MouseButton.LeftButton:
            return
        near = abs(a0.pos().x() - self._divider_x()) <= GRIP_PIXELS
        self._dragged = "divider" if near or not self.actual_size else "picture"
        self._last = a0.pos()
        self._drag(a0.pos())

    def mouseMoveEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Drags what was taken hold of."""
        if a0 is not None:
            self._drag(a0.pos())
            self._cursor(a0.pos())
            self._last = a0.pos()

    def mouseReleaseEvent(self, a0: QtGui.QMouseEvent | None) -> None:
        """Lets go."""
        self._dragged = ""

    def _drag(self, place: QtCore.QPoint) -> None:
        area = self.picture_rect()
        if self._dragged == "divider" and area.width() > 0:
            self._divide((place.x() - area.left()) / area.width())
        elif self._dragged == "picture":
            self._pan(place.x() - self._last.x(), place.y() - self._last.y())

    def _cursor(self, place: QtCore.QPoint) -> None:
        near = abs(place.x() - self._divider_x()) <= GRIP_PIXELS
        open_hand = self.actual_size and not near
        shape = Qt.CursorShape.OpenHandCursor if open_hand else Qt.CursorShape.SplitHCursor
        self.setCursor(shape)

    def _divide(self, share: float) -> None:
        self.divider = min(max(share, 0.0), 1.0)
        self.update()

    def _pan(self, across: float, down: float) -> None:
        area = self.picture_rect()
        x = self._center.x() - across / max(area.width(), 1)
        y = self._center.y() - down / max(area.height(), 1)
        half_x = min(0.5, self.width() / 2 / max(area.width(), 1))
        half_y = min(0.5, self.height() / 2 / max(area.height(), 1))
        self._center = QtCore.QPointF(
            min(max(x, half_x), 1 - half_x), min(max(y, half_y), 1 - half_y)
        )  # no further than to the picture's border
        self.update()

    def keyPressEvent(self, a0: QtGui.QKeyEvent | None) -> None:
        """Does with keys what the mouse can do."""
        if a0 is None:
            return
        key, keys = a0.key(), Qt.Key
        pan = bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = {
            keys.Key_Left: (-1, 0),
            keys.Key_Right: (1, 0),
            keys.Key_Up: (0, -1),
            keys.Key_Down: (0, 1),
        }
        if key == keys.Key_Space and not a0.isAutoRepeat():
            self.hold(original=True)
        elif key in (keys.Key_1, keys.Key_0):
            self.zoom(actual_size=key == keys.Key_1)
        elif key in steps and (pan or steps[keys(key)][0] == 0):
            across, down = steps[keys(key)]
            self._pan(-across * PAN_PIXELS, -down * PAN_PIXELS)
        elif key in steps:
            self._divide(self.divider + DIVIDER_STEP * steps[keys(key)][0])
        else:
            super().keyPressEvent(a0)

    def keyReleaseEvent(self, a0: QtGui.QKeyEvent | None) -> None:
        """Shows both again."""
        if a0 is not None and a0.key() == Qt.Key.Key_Space and not a0.isAutoRepeat():
            self.hold(original=False)
        else:
            super().keyReleaseEvent(a0)
