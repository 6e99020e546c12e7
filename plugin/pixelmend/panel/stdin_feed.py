"""What comes in through stdin: lines of JSON, and the bytes of pictures behind theirs.

`pixelmend.host.panel_process` is the other end.
"""

from __future__ import annotations

import json
import threading
from typing import BinaryIO

from ..errors import from_json
from ..qt import QtCore, QtGui, Signal
from ..wire import Event, Json

MAX_PIXELS = 150_000_000  # as many as the engine takes


class StdinFeed(QtCore.QObject):
    """Reads in a thread of its own; its signals arrive in the thread of the windows."""

    event_received = Signal(object)
    """Emitted with an `Event`."""
    model_received = Signal(object)
    """Emitted with the description of a model."""
    pictures_received = Signal(object, object)
    """Emitted with two images, before and after."""
    notes_received = Signal(object)
    """Emitted with a list of what the user should know of a result."""
    error_received = Signal(object, str)
    """Emitted with a `PixelmendError`, and details of it."""
    finished = Signal()
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
            fields: Json = json.loads(line)
            kind = fields.pop("kind")
            if kind == "event":
                self.event_received.emit(Event(**fields))
            elif kind == "model":
                self.model_received.emit(fields)
            elif kind == "notes":
                self.notes_received.emit(fields["notes"])
            elif kind == "error":
                details = str(fields.pop("details"))
                self.error_received.emit(from_json(fields), details)
            elif kind == "picture" and not self._picture(fields):
                break
        self.finished.emit()

    def _picture(self, fields: Json) -> bool:
        # False: it was cut off.
        width, height = int(fields["width"]), int(fields["height"])
        if not 0 < width * height <= MAX_PIXELS:
            return False
        data = self._source.read(width * height * 4)
        if len(data) < width * height * 4:
            return False
        # A copy, because an image made from bytes only borrows them.
        image = QtGui.QImage(
            data, width, height, width * 4, QtGui.QImage.Format.Format_RGBA8888
        ).copy()
        if fields["name"] == "before":
            self._before = image
        else:
            self.pictures_received.emit(self._before, image)
        return True
