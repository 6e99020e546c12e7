"""Documents that nobody sees: Krita converts and masks in them, and the user's own stay untouched.

Anything of the kind that is done to a user's layer, or even to a copy of it, is a step in the
history of the document.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from typing import Any, Dict, Iterator, Optional

from krita import InfoObject, Krita, Selection

from .pixelmend.errors import UnsupportedImage
from .pixelmend.qt import QtCore, QtGui
from .pixelmend.wire import MAX_PROFILE
from .spaces import Space

PER_INCH = 72.0

_profiles: Dict[Space, Optional[bytes]] = {}


@contextlib.contextmanager
def document(space: Space, width: int, height: int) -> Iterator[Any]:
    """Makes a document, and closes it at the end."""
    made = Krita.instance().createDocument(
        width, height, "scratch", space.model, space.depth, space.profile, PER_INCH
    )
    made.setBatchmode(True)
    try:
        yield made
    finally:
        made.waitForDone()
        made.setModified(False)
        made.close()


def through(
    data: bytes, width: int, height: int, given: Space, wanted: Space, mask: Optional[bytes] = None
) -> QtCore.QByteArray:
    """Turns pixels into another color space, and makes transparent what is not in the mask.

    Raises:
        UnsupportedImage: Krita can't.
    """
    with document(given, width, height) as made:
        layer = made.rootNode().childNodes()[0]
        layer.setPixelData(QtCore.QByteArray(data), 0, 0, width, height)
        if mask is not None:
            selection = Selection()
            selection.setPixelData(QtCore.QByteArray(mask), 0, 0, width, height)
            transparency = made.createTransparencyMask("mask")
            transparency.setSelection(selection)
            layer.addChildNode(transparency, None)
        if given != wanted and not layer.setColorSpace(wanted.model, wanted.depth, wanted.profile):
            raise UnsupportedImage(
                f"Krita can't convert {given.model} to {wanted.model}",
                hint="Convert the layer yourself: Layer > Convert > Convert Layer Color Space",
            )
        made.refreshProjection()
        made.waitForDone()
        return layer.projectionPixelData(0, 0, width, height)


def color_profile(space: Space) -> Optional[bytes]:
    """Returns the ICC profile of a color space; None where there is none, or too large a one.

    Krita's scripts know profiles by name alone, but a document that is saved holds its own.
    """
    if space not in _profiles:
        _profiles[space] = _saved_profile(space)
    return _profiles[space]


def _saved_profile(space: Space) -> Optional[bytes]:
    with tempfile.TemporaryDirectory() as folder, document(space, 1, 1) as made:
        path = os.path.join(folder, "profile.kra")
        if not made.exportImage(path, InfoObject()):
            return None
        with zipfile.ZipFile(path) as saved:
            for entry in saved.infolist():
                if entry.filename.endswith("annotations/icc") and entry.file_size <= MAX_PROFILE:
                    return saved.read(entry)
    return None


def picture(data: bytes, width: int, height: int, space: Space) -> QtGui.QImage:
    """Returns pixels as the screen shows them: sRGB, 8 bits."""
    with document(space, width, height) as made:
        layer = made.rootNode().childNodes()[0]
        layer.setPixelData(QtCore.QByteArray(data), 0, 0, width, height)
        made.refreshProjection()
        made.waitForDone()
        return made.projection(0, 0, width, height)
