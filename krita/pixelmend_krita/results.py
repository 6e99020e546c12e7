"""What came of it: into the document as a new layer, or into a document of its own.

A result is made ready where nobody sees it, and arrives at one moment, in one call: when nobody
draws, and nobody has canceled. Where it has no place any more, that is said; it is never lost.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Callable, Generator, Optional, Tuple

from krita import Krita

from . import scratch_document
from .color_space import ColorSpace, color_space_of
from .layer_source import LayerSource, area_of, open_document, position_of, rows_of
from .pixel_samples import CHANGED, TURNED
from .pixelmend.host.selection import Area
from .pixelmend.presentation.messages import translate
from .pixelmend.qt import QtCore
from .pixelmend.wire import Raster
from .scratch_document import PER_INCH

ACTIVE_WITHIN_S = 2.0
POLL_S = 0.05

Wait = Callable[[], Generator[float, None, None]]  # until the result may arrive


@dataclass(frozen=True)
class Outcome:
    """What became of a result."""

    fits: bool  # it has its place; else it waits to be opened as a document
    note: str = ""  # what the user should know of that
    layer: Any = None  # the id of the new layer
    active: Any = None  # the id of the layer that was active before


Insertion = Generator[float, None, Outcome]


def insert(source: LayerSource, raster: Raster, name: str, wait: Wait) -> Insertion:
    """Puts the result above its layer, in one undo step.

    Until the layer is complete the document is not touched.
    """
    outcome = yield from _insert(source, source, raster, name, wait)
    return outcome


def insert_scaled(source: LayerSource, raster: Raster, name: str, wait: Wait) -> Insertion:
    """Scales the document to what the result asks for, and puts that in; two steps of undo."""
    across, down = raster.width / source.area.width, raster.height / source.area.height
    left, top = round(source.area.x * across), round(source.area.y * down)
    area = Area(left, top, raster.width, raster.height)
    size = (round(source.size[0] * across), round(source.size[1] * down))
    scaled = dataclasses.replace(source, size=size, area=area, selected_area=area)
    outcome = yield from _insert(source, scaled, raster, name, wait)
    return outcome


def _insert(
    source: LayerSource, target: LayerSource, raster: Raster, name: str, wait: Wait
) -> Insertion:
    document = open_document(source.document)
    if document is None:
        return _closed()
    space, below = color_space_of(document), _layer(source, document)
    # To give a layer of this document a blending mode would be a step of undo of its own.
    with scratch_document.open_scratch(space, 1, 1) as scratch:
        layer = scratch.createNode(name, "paintlayer")
        if below is not None:
            _take_properties(layer, below)
        yield from fill(layer, target.area, target.selected_area, raster, target, space)
        yield from wait()
        return _add(source, target, layer)


def _add(source: LayerSource, target: LayerSource, layer: Any) -> Outcome:
    document = open_document(source.document)  # it may have been closed meanwhile
    if document is None:
        return _closed()
    document.waitForDone()
    below = _layer(source, document)
    change = _change(source, document, below)
    if change == TURNED:
        return Outcome(False, translate("The layer was mirrored or turned meanwhile"))
    offset = _offset(source, document, below)
    if offset is None or (target is not source and source.size != _size(document)):
        return Outcome(False, translate("Its document was closed, or has got another size"))
    if target is not source:
        resolution = document.resolution()
        document.scaleImage(*target.size, resolution, resolution, "Bicubic")
        document.waitForDone()
        offset = (0, 0)
    if offset != (0, 0):
        layer.move(*offset)
    active = document.activeNode()
    parent = document.rootNode() if below is None else below.parentNode()
    if not parent.addChildNode(layer, below):
        return Outcome(False, translate("Krita takes no new layer above this one"))
    note = ""
    if change == CHANGED:
        note = translate("The layer was changed meanwhile; the result shows it as it was before")
    return Outcome(True, note, layer.uniqueId(), None if active is None else active.uniqueId())


def _closed() -> Outcome:
    return Outcome(False, translate("Its document was closed, or has got another size"))


def _layer(source: LayerSource, document: Any) -> Any:
    return None if source.node is None else document.nodeByUniqueID(source.node)


def _size(document: Any) -> Tuple[int, int]:
    return document.width(), document.height()


def _take_properties(layer: Any, source: Any) -> None:
    layer.setOpacity(source.opacity())
    layer.setBlendingMode(source.blendingMode())
    layer.setInheritAlpha(source.inheritAlpha())
    layer.setColorLabel(source.colorLabel())
    layer.setAlphaLocked(source.alphaLocked())
    style = source.layerStyleToAsl()
    if style:
        layer.setLayerStyleFromAsl(style)


def _change(source: LayerSource, document: Any, below: Any) -> Optional[str]:
    # What became of the layer's pixels; None where there is no layer any more.
    if source.node is None:
        canvas = Area(0, 0, *_size(document))
        return source.samples.compare(document.pixelData, canvas, (0, 0))
    if below is None:
        return None
    bounds = area_of(below.bounds())
    return source.samples.compare(below.projectionPixelData, bounds, position_of(below))


def _offset(source: LayerSource, document: Any, below: Any) -> Optional[Tuple[int, int]]:
    # How far the layer was moved since; None where that is not all that happened to it.
    across = down = 0
    if below is not None:
        x, y = position_of(below)
        across, down = x - source.position[0], y - source.position[1]
    if _size(document) == source.size:
        return across, down
    if below is None:
        return None
    now = area_of(below.bounds())
    # A canvas that is larger now moves its layers; a picture that was scaled changes them.
    same = (now.width, now.height) == (source.bounds.width, source.bounds.height)
    return (across, down) if same else None


def activate(source: LayerSource, outcome: Outcome) -> Generator[float, None, None]:
    """Goes back to the layer where the user was, once Krita has gone to the new one."""
    for _ in range(round(ACTIVE_WITHIN_S / POLL_S)):
        yield POLL_S
        document = open_document(source.document)
        if document is None or outcome.active is None:
            return
        node = document.nodeByUniqueID(outcome.active)
        if document.activeNode() is not None and document.activeNode().uniqueId() == outcome.layer:
            if node is not None:
                document.setActiveNode(node)
            return


def take_back(source: LayerSource, outcome: Outcome) -> None:
    """Removes the new layer: it was canceled while Krita put it in."""
    document = open_document(source.document)
    if document is not None and outcome.layer is not None:
        layer = document.nodeByUniqueID(outcome.layer)
        if layer is not None:
            layer.remove()


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
    raster: Raster, space: ColorSpace, name: str, wait: Wait, per_inch: float = PER_INCH
) -> Generator[float, None, Outcome]:
    """Opens a picture as a document of its own, with so many pixels an inch."""
    whole = Area(0, 0, raster.width, raster.height)
    document = Krita.instance().createDocument(
        raster.width, raster.height, name, space.model, space.depth, space.profile, per_inch
    )
    try:
        layer = document.rootNode().childNodes()[0]
        layer.setName(name)
        yield from fill(layer, whole, whole, raster, None, space)
        yield from wait()
    except BaseException:  # a cancel is one, too
        document.setModified(False)
        document.close()
        raise
    document.refreshProjection()
    document.setModified(True)  # Krita asks before it is closed
    window = Krita.instance().activeWindow()
    if window is not None:
        window.addView(document)
    return Outcome(True)
