"""What comes in through stdin: lines of JSON, and the bytes of pictures behind theirs.

`pixelmend.panel_process` is the other end.
"""

from __future__ import annotations

import json
import threading
from typing import BinaryIO

from ..errors import from_json
from ..qt import QtCore, QtGui, Signal
from ..wire import Event, Json

MAX_PIXELS = 150_000_000  # as many as the engine takes


class Feed(QtCore.QObject):
    """Reads in a thread of its own; its signals arrive in the thread of the windows."""

    news = Signal(object)
    """Emitted with an `Event`."""
    model = Signal(object)
    """Emitted with the description of a model."""
    pictures = Signal(object, object)
    """Emitted with two images, before and after."""
    notes = Signal(object)
    """Emitted with a list of what the user should know of a result."""
    error = Signal(object, str)
    """Emitted with a `PixelmendError`, and details of it."""
    ended = Signal()
    """Emitted when the other end is closed: nothing more will come."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._before = QtGui.QImage()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def _read(self) -> None:
        while line := self._source.readline():
            told: Json = json.loads(line)
            kind = told.pop("kind")
            if kind == "event":
                self.news.emit(Event(**told))
            elif kind == "model":
                self.model.emit(told)
            elif kind == "notes":
                self.notes.emit(told["notes"])
            elif kind == "error":
                details = str(told.pop("details"))
                self.error.emit(from_json(told), details)
            elif kind == "picture" and not self._picture(told):
                break
        self.ended.emit()

    def _picture(self, told: Json) -> bool:
        # False: it was cut off.
        width, height = int(told["width"]), int(told["height"])
        if not 0 < width * height <= MAX_PIXELS:
            return False
        data = self._source.read(width * height * 4)
        if len(data) < width * height * 4:
            return False
        # A copy, because an image made from bytes only borrows them.
        image = QtGui.QImage(
            data, width, height, width * 4, QtGui.QImage.Format.Format_RGBA8888
        ).copy()
        if told["name"] == "before":
            self._before = image
        else:
            self.pictures.emit(self._before, image)
        return True
