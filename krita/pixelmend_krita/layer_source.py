"""What is to be restored: found in the document, and read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generator, List, Tuple

from krita import Krita

from . import scratch_document
from .color_space import WORKING, ColorSpace, color_space_of
from .pixel_samples import PixelSamples
from .pixelmend.errors import UnsupportedImage
from .pixelmend.host import selection
from .pixelmend.host.selection import Area, binarized
from .pixelmend.presentation import forms
from .pixelmend.presentation.messages import translate
from .pixelmend.wire import Json, Raster

OPAQUE = 255
STRIP_BYTES = 4 * 1024 * 1024  # what is moved at once


@dataclass(frozen=True)
class LayerSource:
    """A layer, or all that is seen, as it was when the user asked for it."""

    document: Any  # the document: of copies of it, every id is the same
    node: Any  # the id of the layer; None: all that is seen
    snapshot: Any  # a copy of it, or of all layers: it shares their memory until they change
    name: str
    size: Tuple[int, int]  # of the document
    bounds: Area  # of the layer
    position: Tuple[int, int]  # of the layer
    area: Area  # what is sent, in the document
    selected_area: Area  # what may change
    selection: Any  # a copy of it; None: everything
    space: ColorSpace
    is_translucent: bool
    inpaints: bool  # what is selected; without a selection, what is transparent
    per_inch: float  # how many pixels, in the document
    samples: PixelSamples

    @property
    def notes(self) -> Tuple[str, ...]:
        """What the user should know, though nothing is wrong."""
        notes: List[str] = []
        if self.wire_space != self.space:
            text = translate("{model} was converted to RGB for the model, and back")
            notes.append(text.format(model=self.space.model.rstrip("A")))
        if self.is_translucent:
            notes.append(translate("Hide the layer below to see the result alone"))
        return tuple(notes)

    @property
    def identity(self) -> Tuple[Any, ...]:
        """What it is, and where: of two with the same, one lies where the other does."""
        return self.document, str(self.node), self.area, self.position

    @property
    def wire_space(self) -> ColorSpace:
        """The color space in which it travels."""
        return self.space if self.space.channels is not None else WORKING


def open_document(document: Any) -> Any:
    """Returns a document; None if it was closed.

    Its objects in Python come and go, but equal each other.
    """
    return next((one for one in Krita.instance().documents() if one == document), None)


def find_source(document: Any, task: Json, *, merged: bool) -> LayerSource:
    """Finds what is to be restored.

    Painting may go on at once: what is read later is a snapshot of now. Of what is to be enlarged,
    the model sees the selected part alone, and all of that may change.
    What is to be filled may lie beside the layer's own pixels.

    Raises:
        UnsupportedImage: There is nothing, or it can't be restored.
    """
    node = None if merged else _layer(document)
    canvas = Area(0, 0, document.width(), document.height())
    bounds = canvas if node is None else area_of(node.bounds())
    whole = bounds.intersection(canvas)
    if whole is None:
        raise UnsupportedImage(
            "The layer is empty, or lies outside of the canvas", hint="Choose another layer"
        )
    if forms.inpaints(task):
        whole = canvas
    selected, area, selected_area = document.selection(), whole, whole
    if selected is not None:
        box = Area(selected.x(), selected.y(), selected.width(), selected.height())
        overlap = box.intersection(whole)
        if overlap is None:
            raise UnsupportedImage(
                "The selection lies outside of the layer",
                hint="Select a part of the layer, or nothing at all",
            )
        area = selected_area = overlap
        if forms.placement(task) is None:
            area = (
                selected_area.padded(selection.context(task, selected_area)).intersection(whole)
                or selected_area
            )
            selected = selected.duplicate()
        else:
            selected = None
    position = (0, 0) if node is None else position_of(node)
    document.waitForDone()  # a stroke may not have dried yet
    snapshot = (document.rootNode() if node is None else node).duplicate()
    return LayerSource(
        document=document,
        node=None if node is None else node.uniqueId(),
        snapshot=snapshot,
        name=document.name() if node is None else node.name(),
        size=(document.width(), document.height()),
        bounds=bounds,
        position=position,
        area=area,
        selected_area=selected_area,
        selection=selected,
        space=color_space_of(document if node is None else node),
        is_translucent=node is not None and is_translucent(node),
        inpaints=forms.inpaints(task),
        per_inch=document.resolution(),
        samples=PixelSamples(snapshot.projectionPixelData, area, bounds, position),
    )


def is_translucent(node: Any) -> bool:
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


def position_of(node: Any) -> Tuple[int, int]:
    """Returns where a layer lies; it changes when the layer is moved."""
    place = node.position()
    return place.x(), place.y()


def read(source: LayerSource) -> Generator[float, None, Raster]:
    """Takes the pixels, strip by strip; the result of the generator is the picture.

    They are those of the snapshot, with masks and effects, as the user saw them.

    Raises:
        UnsupportedImage: They can't be read, or there is nothing to fill.
    """
    area, wire_space = source.area, source.wire_space
    data = bytearray(area.width * area.height * wire_space.pixel_bytes)
    place, opaque = 0, True
    for strip in area.strips(rows_of(area.width, source.space)):
        pixels = source.snapshot.projectionPixelData(strip.x, strip.y, strip.width, strip.height)
        if len(pixels) != strip.width * strip.height * source.space.pixel_bytes:
            raise _layer_gone()  # Krita 5.2 says so with nothing but a short answer
        if wire_space != source.space:
            pixels = scratch_document.convert(
                bytes(pixels), strip.width, strip.height, source.space, wire_space
            )
        data[place : place + len(pixels)] = memoryview(pixels)
        place += len(pixels)
        opaque = opaque and source.inpaints and wire_space.is_opaque(memoryview(pixels))
        yield 0.0
    if opaque and source.inpaints and source.selection is None:
        raise UnsupportedImage(
            "Nothing says what is to be filled", hint="Select it, or make it transparent"
        )
    mask = None
    if source.selection is not None:
        mask = binarized(bytes(source.selection.pixelData(area.x, area.y, area.width, area.height)))
    return Raster(
        width=area.width,
        height=area.height,
        sample_type=wire_space.depth,
        channels=str(wire_space.channels),
        data=data,
        mask=mask,
        color_profile=scratch_document.color_profile(wire_space),
    )


def rows_of(width: int, space: ColorSpace) -> int:
    """Returns how many rows are moved at once."""
    return max(1, STRIP_BYTES // (width * space.pixel_bytes))


def _layer_gone() -> UnsupportedImage:
    return UnsupportedImage(
        "The layer or its document is gone", hint="Choose a layer, and start it again"
    )
