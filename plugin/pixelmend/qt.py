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
    installed = (name for name in names if importlib.util.find_spec(name) is not None)
    return loaded[0] if loaded else next(installed, "PyQt6")


if TYPE_CHECKING or binding() == "PyQt6":
    from PyQt6 import QtCore, QtGui, QtWidgets
else:
    from PyQt5 import QtCore, QtGui, QtWidgets

Qt = QtCore.Qt
Signal = QtCore.pyqtSignal

__all__ = ["Qt", "QtCore", "QtGui", "QtWidgets", "Signal"]
