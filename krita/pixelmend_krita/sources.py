"""What is to be restored: found in the document, and read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generator, List, Optional, Tuple

from krita import Krita

from . import scratch
from .pixelmend.errors import UnsupportedImage
from .pixelmend.host import selection
from .pixelmend.host.selection import Area, touched
from .pixelmend.presentation import forms
from .pixelmend.presentation.messages import translate
from .pixelmend.wire import Json, Raster
from .spaces import WORKING, Space, space_of

OPAQUE = 255
STRIP_BYTES = 4 * 1024 * 1024  # what is moved at once


@dataclass(frozen=True)
class Source:
    """A layer, or all that is seen, as it was when the user asked for it."""

    document: str  # the id of the document
    node: Any  # the id of the layer; None: all that is seen
    name: str
    size: Tuple[int, int]  # of the document
    bounds: Area  # of the layer
    position: Tuple[int, int]  # of the layer
    area: Area  # what is sent, in the document
    chosen: Area  # what may change
    selection: Any  # a copy of it; None: everything
    space: Space
    shines_through: bool
    fills: bool  # what is selected; without a selection, what is transparent
    per_inch: float  # how many pixels, in the document

    @property
    def notes(self) -> Tuple[str, ...]:
        """What the user should know, though nothing is wrong."""
        found: List[str] = []
        if self.sent != self.space:
            text = translate("{model} was converted to RGB for the model, and back")
            found.append(text.format(model=self.space.model.rstrip("A")))
        if self.shines_through:
            found.append(translate("Hide the layer below to see the result alone"))
        return tuple(found)

    @property
    def place(self) -> Tuple[Any, ...]:
        """What it is, and where: of two with the same, one lies where the other does."""
        return self.document, str(self.node), self.area, self.position

    @property
    def sent(self) -> Space:
        """The color space in which it travels."""
        return self.space if self.space.channels is not None else WORKING


def document_of(key: str) -> Any:
    """Returns an open document by its id; None if it was closed."""
    return next((one for one in Krita.instance().documents() if id_of(one) == key), None)


def id_of(document: Any) -> Optional[str]:
    """Returns what a document is known by; its objects in Python come and go."""
    root = None if document is None else document.rootNode()
    return None if root is None else root.uniqueId().toString()


def find(document: Any, task: Json, *, merged: bool) -> Source:
    """Finds what is to be restored.

    Of what is to be enlarged, the model sees the selected part alone, and all of that may change.
    What is to be filled may lie beside the layer's own pixels.

    Raises:
        UnsupportedImage: There is nothing, or it can't be restored.
    """
    node = None if merged else _layer(document)
    canvas = Area(0, 0, document.width(), document.height())
    bounds = canvas if node is None else area_of(node.bounds())
    whole = bounds.common(canvas)
    if whole is None:
        raise UnsupportedImage(
            "The layer is empty, or lies outside of the canvas", hint="Choose another layer"
        )
    if forms.fills(task):
        whole = canvas
    selected, area, chosen = document.selection(), whole, whole
    if selected is not None:
        box = Area(selected.x(), selected.y(), selected.width(), selected.height())
        found = box.common(whole)
        if found is None:
            raise UnsupportedImage(
                "The selection lies outside of the layer",
                hint="Select a part of the layer, or nothing at all",
            )
        area = chosen = found
        if forms.place(task) is None:
            area = chosen.around(selection.context(task, chosen)).common(whole) or chosen
            selected = selected.duplicate()
        else:
            selected = None
    position = (0, 0) if node is None else point_of(node)
    return Source(
        document=str(id_of(document)),
        node=None if node is None else node.uniqueId(),
        name=document.name() if node is None else node.name(),
        size=(document.width(), document.height()),
        bounds=bounds,
        position=position,
        area=area,
        chosen=chosen,
        selection=selected,
        space=space_of(document if node is None else node),
        shines_through=node is not None and shines_through(node),
        fills=forms.fills(task),
        per_inch=document.resolution(),
    )


def shines_through(node: Any) -> bool:
    """Whether what lies below a layer is seen through it: through its result, too, then."""
    return node.opacity() < OPAQUE or node.blendingMode() != "normal"


def _layer(document: Any) -> Any:
    node = document.activeNode()
    if node is not None and node.type().endswith("mask"):
        node = node.parentNode()  # the layer that it belongs to
    if node is None or node.parentNode() is None:
        raise UnsupportedImage("No layer is selected", hint="Click on one in the Layers docker")
    return node


def area_of(rectangle: Any) -> Area:
    """Returns Qt's rectangle as ours."""
    return Area(rectangle.x(), rectangle.y(), rectangle.width(), rectangle.height())


def point_of(node: Any) -> Tuple[int, int]:
    """Returns where a layer lies; it changes when the layer is moved."""
    place = node.position()
    return place.x(), place.y()


def read(source: Source) -> Generator[float, None, Raster]:
    """Takes the pixels, strip by strip; the result of the generator is the picture.

    Raises:
        UnsupportedImage: The document or the layer is gone, or can't be read.
    """
    document = document_of(source.document)
    holder = document
    if document is not None and source.node is not None:
        holder = document.nodeByUniqueID(source.node)
    if holder is None:
        raise _gone()
    document.waitForDone()  # a stroke may not have dried yet
    # Read with its masks and effects, as the user sees it.
    take = holder.pixelData if source.node is None else holder.projectionPixelData
    area, sent = source.area, source.sent
    data = bytearray(area.width * area.height * sent.pixel_bytes)
    place, solid = 0, True
    for strip in area.strips(rows_of(area.width, source.space)):
        taken = take(strip.x, strip.y, strip.width, strip.height)
        if len(taken) != strip.width * strip.height * source.space.pixel_bytes:
            raise _gone()  # Krita 5.2 says so with nothing but a short answer
        if sent != source.space:
            taken = scratch.through(bytes(taken), strip.width, strip.height, source.space, sent)
        data[place : place + len(taken)] = memoryview(taken)
        place += len(taken)
        solid = solid and source.fills and sent.solid(memoryview(taken))
        yield 0.0
    if solid and source.fills and source.selection is None:
        raise UnsupportedImage(
            "Nothing says what is to be filled", hint="Select it, or make it transparent"
        )
    mask = None
    if source.selection is not None:
        mask = touched(bytes(source.selection.pixelData(area.x, area.y, area.width, area.height)))
    return Raster(
        width=area.width,
        height=area.height,
        samples=sent.depth,
        channels=str(sent.channels),
        data=data,
        mask=mask,
        color_profile=scratch.color_profile(sent),
    )


def rows_of(width: int, space: Space) -> int:
    """Returns how many rows are moved at once."""
    return max(1, STRIP_BYTES // (width * space.pixel_bytes))


def _gone() -> UnsupportedImage:
    return UnsupportedImage(
        "The layer or its document is gone", hint="Choose a layer, and start it again"
    )
