"""The Qt that this process has: the engine's PyQt6, or a host's own. No other file names either.

Everything is asked for by names that both know, enumerations by their full ones. Runs on Python
3.9: hosts load it.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING


def binding() -> str:
    """Returns which binding it is: what the process has loaded, or else what is installed."""
    names = ("PyQt6", "PyQt5")
    loaded = [name for name in names if name in sys.modules]
    there = (name for name in names if importlib.util.find_spec(name) is not None)
    return loaded[0] if loaded else next(there, "PyQt6")


if TYPE_CHECKING or binding() == "PyQt6":
    from PyQt6.QtCore import (
        QByteArray,
        QCoreApplication,
        QEvent,
        QMargins,
        QObject,
        QPoint,
        QPointF,
        QRect,
        QRectF,
        QSize,
        QSocketNotifier,
        Qt,
        QTimer,
    )
    from PyQt6.QtCore import pyqtSignal as Signal
    from PyQt6.QtGui import (
        QCloseEvent,
        QColor,
        QGuiApplication,
        QIcon,
        QImage,
        QKeyEvent,
        QMouseEvent,
        QPainter,
        QPaintEvent,
        QPen,
        QPixmap,
        QResizeEvent,
        QWheelEvent,
        QWindow,
    )
    from PyQt6.QtWidgets import (
        QApplication,
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFormLayout,
        QFrame,
        QHBoxLayout,
        QLabel,
        QLayout,
        QLayoutItem,
        QLineEdit,
        QListView,
        QListWidget,
        QListWidgetItem,
        QPlainTextEdit,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSpinBox,
        QStyle,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
else:
    from PyQt5.QtCore import (
        QByteArray,
        QCoreApplication,
        QEvent,
        QMargins,
        QObject,
        QPoint,
        QPointF,
        QRect,
        QRectF,
        QSize,
        QSocketNotifier,
        Qt,
        QTimer,
    )
    from PyQt5.QtCore import pyqtSignal as Signal
    from PyQt5.QtGui import (
        QCloseEvent,
        QColor,
        QGuiApplication,
        QIcon,
        QImage,
        QKeyEvent,
        QMouseEvent,
        QPainter,
        QPaintEvent,
        QPen,
        QPixmap,
        QResizeEvent,
        QWheelEvent,
        QWindow,
    )
    from PyQt5.QtWidgets import (
        QApplication,
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFormLayout,
        QFrame,
        QHBoxLayout,
        QLabel,
        QLayout,
        QLayoutItem,
        QLineEdit,
        QListView,
        QListWidget,
        QListWidgetItem,
        QPlainTextEdit,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSpinBox,
        QStyle,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )

__all__ = [
    "QApplication",
    "QByteArray",
    "QCheckBox",
    "QCloseEvent",
    "QColor",
    "QComboBox",
    "QCoreApplication",
    "QDoubleSpinBox",
    "QEvent",
    "QFormLayout",
    "QFrame",
    "QGuiApplication",
    "QHBoxLayout",
    "QIcon",
    "QImage",
    "QKeyEvent",
    "QLabel",
    "QLayout",
    "QLayoutItem",
    "QLineEdit",
    "QListView",
    "QListWidget",
    "QListWidgetItem",
    "QMargins",
    "QMouseEvent",
    "QObject",
    "QPaintEvent",
    "QPainter",
    "QPen",
    "QPixmap",
    "QPlainTextEdit",
    "QPoint",
    "QPointF",
    "QProgressBar",
    "QPushButton",
    "QRect",
    "QRectF",
    "QResizeEvent",
    "QScrollArea",
    "QSize",
    "QSizePolicy",
    "QSocketNotifier",
    "QSpinBox",
    "QStyle",
    "QTimer",
    "QToolButton",
    "QVBoxLayout",
    "QWheelEvent",
    "QWidget",
    "QWindow",
    "Qt",
    "Signal",
]
