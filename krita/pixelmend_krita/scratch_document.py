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

from .color_space import ColorSpace
from .pixelmend.errors import UnsupportedImage
from .pixelmend.qt import QtCore
from .pixelmend.wire import MAX_PROFILE

PER_INCH = 72.0

_profiles: Dict[ColorSpace, Optional[bytes]] = {}


@contextlib.contextmanager
def open_scratch(space: ColorSpace, width: int, height: int) -> Iterator[Any]:
    """Makes a document, and closes it at the end."""
    document = Krita.instance().createDocument(
        width, height, "scratch", space.model, space.depth, space.profile, PER_INCH
    )
    document.setBatchmode(True)
    try:
        yield document
    finally:
        document.waitForDone()
        document.setModified(False)
        document.close()


def convert(
    data: bytes,
    width: int,
    height: int,
    source: ColorSpace,
    target: ColorSpace,
    mask: Optional[bytes] = None,
) -> QtCore.QByteArray:
    """Turns pixels into another color space, and makes transparent what is not in the mask.

    Raises:
        UnsupportedImage: Krita can't.
    """
    with open_scratch(source, width, height) as document:
        layer = document.rootNode().childNodes()[0]
        layer.setPixelData(QtCore.QByteArray(data), 0, 0, width, height)
        if mask is not None:
            selection = Selection()
            selection.setPixelData(QtCore.QByteArray(mask), 0, 0, width, height)
            transparency = document.createTransparencyMask("mask")
            transparency.setSelection(selection)
            layer.addChildNode(transparency, None)
        if source != target and not layer.setColorSpace(target.model, target.depth, target.profile):
            raise UnsupportedImage(
                f"Krita can't convert {source.model} to {target.model}",
                hint="Convert the layer yourself: Layer > Convert > Convert Layer Color Space",
            )
        document.refreshProjection()
        document.waitForDone()
        return layer.projectionPixelData(0, 0, width, height)


def color_profile(space: ColorSpace) -> Optional[bytes]:
    """Returns the ICC profile of a color space; None where there is none, or too large a one.

    Krita's scripts know profiles by name alone, but a document that is saved holds its own.
    """
    if space not in _profiles:
        _profiles[space] = _saved_profile(space)
    return _profiles[space]


def _saved_profile(space: ColorSpace) -> Optional[bytes]:
    with tempfile.TemporaryDirectory() as folder, open_scratch(space, 1, 1) as document:
        path = os.path.join(folder, "profile.kra")
        if not document.exportImage(path, InfoObject()):
            return None
        with zipfile.ZipFile(path) as saved:
            for entry in saved.infolist():
                if entry.filename.endswith("annotations/icc") and entry.file_size <= MAX_PROFILE:
                    return saved.read(entry)
    return None
