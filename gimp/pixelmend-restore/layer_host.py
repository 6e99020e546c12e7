"""The six functions of a host, for one layer: to make a new one, or to do one again."""

from __future__ import annotations

from typing import Any, List

import layers
import provenance
from display import Display
from gi.repository import Gimp
from layer_state import LayerState
from provenance import Provenance

from pixelmend.errors import PixelmendError, UnsupportedImage
from pixelmend.host.selection import Area, binarized, context
from pixelmend.presentation import messages
from pixelmend.presentation.download_question import DownloadQuestion
from pixelmend.wire import Event, Json, Raster


class LayerHost:
    """What all hosts have in common: a layer, what is asked of it, and what is shown."""

    def __init__(self, layer: Gimp.Layer, task: Json, options: Json, display: Display) -> None:
        self.layer = layer
        self.task = task
        self.options = options
        self._image = layer.get_image()
        self._display = display

    def progress(self, event: Event) -> None:
        self._display.show(event)

    def canceled(self) -> bool:
        return self._display.canceled or not self._image.is_valid() or not self.layer.is_valid()

    def ask(self, question: DownloadQuestion) -> bool | None:
        return self._display.ask(question)

    def show_error(self, error: PixelmendError) -> None:
        self._display.error = error

    def fits(self) -> bool:
        """Tells whether the layer still is what it was when it was read."""
        return self.state.still_holds(self.layer)

    def open_apart(self) -> None:
        """Shows a result that does not fit any more as an image of its own."""
        name = self._name(self.facts)
        image = self.state.open_apart(self.raster, name)
        self._display.show_apart(image)

    def _name(self, facts: Json) -> str:
        return messages.layer_name(self.task, facts)

    @staticmethod
    def insert_all(image: Gimp.Image, hosts: List[Any]) -> Gimp.Image:
        """Puts all results into their image, in one undo step; returns the image that has them.

        What does not fit there any more becomes an image of its own: nothing is lost.
        """
        fitting = [one for one in hosts if one.fits()]
        if fitting:
            with layers.one_step(image):
                for one in fitting:
                    one.insert()
                image.set_selected_layers([one.result for one in fitting])
        for one in hosts:
            if one not in fitting:
                one.open_apart()
        return image


class NewLayer(LayerHost):
    """Restores a layer, or the selected part of it, into a new one."""

    def read(self) -> Raster:
        self.state = LayerState.of(self.layer)
        self.area = layers.selected_area(self.layer, self.task)
        # A copy holds what was there now; where nothing is to be done, it is the result, too.
        self.new = layers.duplicate(self.layer)
        # GIMP ends a plug-in that writes into what is locked: the result is locked at the end.
        self._locked = self.new.get_lock_content()
        self.new.set_lock_content(False)
        self.new.detach_parasite(provenance.IDENTITY)  # it is another layer
        self.is_opaque = layers.is_opaque(self.layer)
        self._feathered_mask = mask = None
        if not Gimp.Selection.is_empty(self._image):
            mask = layers.selection(self.layer, self.area, layers.MASK)
            if self.is_opaque:
                # The new layer's mask will blend. Kept, because the user may select anew meanwhile.
                self._feathered_mask = layers.selection(self.layer, self.area, layers.FINE_MASK)
                mask = binarized(mask)
        self._mask = mask
        raster = layers.read(self.new, self.area, mask)
        self._digest = provenance.digest(raster.data)
        return raster

    def write(self, raster: Raster, facts: Json) -> None:
        self._display.show_notes(facts)
        layers.fill(self.new, self.area, layers.format_of(self.new).babl, raster.data)
        self.new.set_name(self._name(facts))
        self.raster, self.facts = raster, facts

    @property
    def result(self) -> Gimp.Layer:
        return self.new

    def insert(self) -> None:
        """Puts the new layer right above the old one; to be called within an undo group."""
        place = self._image.get_item_position(self.layer)
        if not self._image.insert_layer(self.new, self.layer.get_parent(), place):
            raise UnsupportedImage(
                "GIMP takes no new layer above this one", hint="Move the layer, and try again"
            )
        _, x, y = self.layer.get_offsets()
        self.new.set_offsets(x, y)
        if self._feathered_mask is not None:
            mask = self.new.create_mask(Gimp.AddMaskType.BLACK)
            layers.fill(mask, self.area, layers.FINE_MASK, self._feathered_mask)
            self.new.add_mask(mask)
        elif not self.is_opaque:
            self.layer.set_visible(False)
        made_by = Provenance(
            task=self.task["id"],
            options=self.options,
            model=self.facts["model"],
            version=self.facts["version"],
            source=self.layer.get_tattoo(),
            area=self.area,
            mask=None if self.is_opaque else self._mask,
            identity=provenance.identify(self.layer),
            digest=self._digest,
        )
        provenance.attach(self.new, made_by)
        self.new.set_lock_content(self._locked)

    def compare(self) -> None:
        if self.new.get_parent() is not None or self.new in self._image.get_layers():
            self._display.compare(self.layer, self.new, self.area)


class SameLayer(LayerHost):
    """Restores a layer's original once more, into that layer."""

    def __init__(
        self, layer: Gimp.Layer, task: Json, options: Json, display: Display, made_by: Provenance
    ) -> None:
        super().__init__(layer, task, options, display)
        self._provenance = made_by
        if layer.get_lock_content():
            raise UnsupportedImage(
                "The pixels of the layer are locked", hint="Unlock them in the Layers dialog"
            )
        self.source = original(layer, made_by)

    def read(self) -> Raster:
        self.state = LayerState.of(self.layer)
        mask, self.area = self._provenance.mask, self._provenance.area
        width, height = self.source.get_width(), self.source.get_height()
        whole = Area(0, 0, width, height)
        if mask is None and self.layer.get_mask() is not None and layers.is_opaque(self.source):
            # As it is now: the user may have painted on it since, or turned the image.
            selected = layers.bounds_of(self.layer.get_mask(), whole)
            if selected is not None:
                margin = context(self.task, selected)
                self.area = selected.padded(margin).intersection(whole) or whole
            mask = binarized(layers.mask_of(self.layer, self.area))
            return layers.read(self.source, self.area, mask)
        raster = layers.read(self.source, self.area, mask)
        known = self._provenance.digest
        is_partial = mask is not None or self.area != whole  # and lies where it lay
        if is_partial and known and known != provenance.digest(raster.data):
            raise UnsupportedImage(
                "The layer that this one was made from was changed or turned since",
                hint="Restore it anew, from Filters > Restore",
            )
        return raster

    def write(self, raster: Raster, facts: Json) -> None:
        self._display.show_notes(facts)
        self.raster, self.facts = raster, facts

    @property
    def result(self) -> Gimp.Layer:
        return self.layer

    def insert(self) -> None:
        """Replaces the layer's pixels; to be called within an undo group."""
        babl = layers.format_of(self.source).babl
        layers.replace(self.layer, self.area, babl, self.raster.data)
        self.layer.set_name(self._name(self.facts))
        versions = {"model": self.facts["model"], "version": self.facts["version"]}
        made_by = provenance.changed(
            self._provenance, options=self.options, area=self.area, **versions
        )
        provenance.attach(self.layer, made_by)

    def compare(self) -> None:
        self._display.compare(self.source, self.layer, self.area)


def original(layer: Gimp.Layer, made_by: Provenance) -> Gimp.Layer:
    """Returns the layer that a layer was made from.

    Raises:
        UnsupportedImage: It is gone, or has changed its size.
    """
    source = provenance.source_of(layer, made_by)
    if source is None:
        raise UnsupportedImage(
            "The layer that this one was made from is gone",
            hint="Restore another layer, from Filters > Restore",
        )
    sizes = [(one.get_width(), one.get_height()) for one in (source, layer)]
    area: Area = made_by.area
    turned = made_by.mask is None and layer.get_mask() is not None  # then the mask says where
    if sizes[0] != sizes[1] or not (turned or _within(area, *sizes[0])):
        raise UnsupportedImage(
            "The layer that this one was made from has another size now",
            hint="Restore it anew, from Filters > Restore",
        )
    return source


def _within(area: Area, width: int, height: int) -> bool:
    right, bottom = area.x + area.width, area.y + area.height
    return 0 <= area.x < right <= width and 0 <= area.y < bottom <= height
