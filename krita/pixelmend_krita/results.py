"""What came of it: into the document as a new layer, or into a document of its own."""

from __future__ import annotations

import dataclasses
from typing import Any, Generator, Optional, Tuple

from krita import Krita

from . import scratch_document
from .color_space import ColorSpace, color_space_of
from .layer_source import LayerSource, area_of, open_document, position_of, rows_of
from .pixelmend.errors import UnsupportedImage
from .pixelmend.host.selection import Area
from .pixelmend.qt import QtCore
from .pixelmend.wire import Raster
from .scratch_document import PER_INCH

ACTIVE_WITHIN_S = 2.0
POLL_S = 0.05

Insertion = Generator[float, None, bool]


def insert(source: LayerSource, raster: Raster, name: str) -> Insertion:
    """Puts the result above its layer, in one undo step; the generator's result is whether it fit.

    It does not where the document was closed, or has got another size. Until the layer is complete
    the document is not touched.
    """
    document = open_document(source.document)
    if document is None:
        return False
    space = color_space_of(document)
    below = None if source.node is None else document.nodeByUniqueID(source.node)
    # To give a layer of this document a blending mode would be a step of undo of its own.
    with scratch_document.open_scratch(space, 1, 1) as scratch:
        layer = scratch.createNode(name, "paintlayer")
        if below is not None:
            _take_properties(layer, below)
        inserted = yield from _fill_and_insert(layer, source, raster, space)
    return inserted


def _fill_and_insert(
    layer: Any, source: LayerSource, raster: Raster, space: ColorSpace
) -> Insertion:
    yield from fill(layer, source.area, source.selected_area, raster, source, space)
    document = open_document(source.document)  # it may have been closed meanwhile
    if document is None:
        return False
    below = None if source.node is None else document.nodeByUniqueID(source.node)
    offset = _offset(source, document, below)
    if offset is None:
        return False
    if offset != (0, 0):
        layer.move(*offset)
    active = document.activeNode().uniqueId()
    parent = document.rootNode() if below is None else below.parentNode()
    if not parent.addChildNode(layer, below):
        raise UnsupportedImage(
            "Krita takes no new layer above this one", hint="Move the layer, and try again"
        )
    yield from _activate(source.document, active, layer.uniqueId())
    return True


def _take_properties(layer: Any, source: Any) -> None:
    layer.setOpacity(source.opacity())
    layer.setBlendingMode(source.blendingMode())
    layer.setInheritAlpha(source.inheritAlpha())
    layer.setColorLabel(source.colorLabel())
    layer.setAlphaLocked(source.alphaLocked())
    style = source.layerStyleToAsl()
    if style:
        layer.setLayerStyleFromAsl(style)


def insert_scaled(source: LayerSource, raster: Raster, name: str) -> Insertion:
    """Scales the document to what the result asks for, and puts that in; two steps of undo."""
    document = open_document(source.document)
    if document is None or (document.width(), document.height()) != source.size:
        return False
    across, down = raster.width / source.area.width, raster.height / source.area.height
    width, height = round(document.width() * across), round(document.height() * down)
    resolution = document.resolution()
    document.waitForDone()
    document.scaleImage(width, height, resolution, resolution, "Bicubic")
    document.waitForDone()
    yield 0.0
    left, top = round(source.area.x * across), round(source.area.y * down)
    area = Area(left, top, raster.width, raster.height)
    document = open_document(source.document)
    below = None
    if document is not None and source.node is not None:
        below = document.nodeByUniqueID(source.node)
    now = source if below is None else dataclasses.replace(source, position=position_of(below))
    scaled = dataclasses.replace(now, size=(width, height), area=area, selected_area=area)
    inserted = yield from insert(scaled, raster, name)
    return inserted


def _offset(source: LayerSource, document: Any, below: Any) -> Optional[Tuple[int, int]]:
    # How far the layer was moved since; None where that is not all that happened to it.
    across = down = 0
    if below is not None:
        x, y = position_of(below)
        across, down = x - source.position[0], y - source.position[1]
    if (document.width(), document.height()) == source.size:
        return across, down
    if below is None:
        return None
    now = area_of(below.bounds())
    # A canvas that is larger now moves its layers; a picture that was scaled changes them.
    same = (now.width, now.height) == (source.bounds.width, source.bounds.height)
    return (across, down) if same else None


def _activate(document_then: Any, active: Any, new: Any) -> Generator[float, None, None]:
    # Krita goes to the new layer some time after it was inserted; the user stays where he was.
    for _ in range(round(ACTIVE_WITHIN_S / POLL_S)):
        yield POLL_S
        document = open_document(document_then)
        if document is None:
            return
        node = document.nodeByUniqueID(active)
        if document.activeNode() is not None and document.activeNode().uniqueId() == new:
            if node is not None:
                document.setActiveNode(node)
            return


def fill(
    layer: Any,
    area: Area,
    selected_area: Area,
    raster: Raster,
    source: Optional[LayerSource],
    target: ColorSpace,
) -> Generator[float, None, None]:
    """Puts the selected part of a picture into a layer that nobody sees yet, strip by strip."""
    source_space = target if source is None else source.wire_space
    view = memoryview(raster.data)
    size = source_space.pixel_bytes
    left = (selected_area.x - area.x) * size
    for strip in selected_area.strips(rows_of(area.width, source_space)):
        start = (strip.y - area.y) * area.width * size
        rows = view[start : start + strip.height * area.width * size]
        data = _columns(rows, area.width * size, left, strip.width * size)
        mask = None
        if source is not None and source.selection is not None:
            box = (strip.x, strip.y, strip.width, strip.height)
            mask = bytes(source.selection.pixelData(*box))
        if mask is None and source_space == target:
            pixels = QtCore.QByteArray(data)
        else:
            pixels = scratch_document.convert(
                data, strip.width, strip.height, source_space, target, mask
            )
        layer.setPixelData(pixels, strip.x, strip.y, strip.width, strip.height)
        yield 0.0


def _columns(rows: memoryview, row: int, left: int, width: int) -> bytes:
    if width == row:
        return bytes(rows)
    starts = range(left, len(rows), row)
    return b"".join(rows[start : start + width] for start in starts)


def open_apart(
    raster: Raster, space: ColorSpace, name: str, per_inch: float = PER_INCH
) -> Generator[float, None, Any]:
    """Opens a picture as a document of its own, with so many pixels an inch."""
    whole = Area(0, 0, raster.width, raster.height)
    document = Krita.instance().createDocument(
        raster.width, raster.height, name, space.model, space.depth, space.profile, per_inch
    )
    layer = document.rootNode().childNodes()[0]
    layer.setName(name)
    yield from fill(layer, whole, whole, raster, None, space)
    document.refreshProjection()
    document.setModified(True)  # Krita asks before it is closed
    window = Krita.instance().activeWindow()
    if window is not None:
        window.addView(document)
    return document
