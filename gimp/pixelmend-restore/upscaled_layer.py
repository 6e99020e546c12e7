"""The six functions of a host, for a result that is larger than the layer it comes from."""

from __future__ import annotations

import itertools
from typing import Any, List

import layers
import provenance
from display import Display
from gi.repository import Gimp, Gio
from layer_host import LayerHost
from layer_state import LayerState
from provenance import Provenance

from pixelmend.host.selection import Area
from pixelmend.wire import Json, Raster

PROFILE = "icc-profile"  # the parasite that GIMP keeps the color profile in
NO_SOURCE = 0  # no layer's tattoo: there is no layer that *Restore Again* could start from


class UpscaledLayer(LayerHost):
    """Enlarges a whole layer: into a new image, or into its own, which is scaled."""

    def __init__(
        self, layer: Gimp.Layer, task: Json, options: Json, display: Display, *, in_place: bool
    ) -> None:
        super().__init__(layer, task, options, display)
        self.in_place = in_place
        self.new: Gimp.Layer | None = None

    def read(self) -> Raster:
        self.state = LayerState.of(self.layer)
        self.area = Area(0, 0, self.layer.get_width(), self.layer.get_height())
        self.format = layers.format_of(self.layer).babl
        self.is_opaque = layers.is_opaque(self.layer)
        return layers.read(self.layer, self.area, None)

    def write(self, raster: Raster, facts: Json) -> None:
        self._display.show_notes(facts)
        self.raster, self.facts = raster, facts

    @property
    def result(self) -> Gimp.Layer:
        return self.new

    @staticmethod
    def insert_all(image: Gimp.Image, hosts: List[Any]) -> Gimp.Image:
        """Puts all results into one image: a new one, or theirs, scaled, in one undo step."""
        scale = hosts[0].facts["scale"]
        size = int(image.get_width() * scale), int(image.get_height() * scale)
        if not all(one.fits() for one in hosts):
            for one in hosts:
                one.open_apart()
            return image
        if not hosts[0].in_place:
            return _new_image(image, hosts, size, scale)
        with layers.one_step(image):
            image.scale(*size)
            for one in hosts:
                place = image.get_item_position(one.layer)
                one.insert_into(image, layers.duplicate(one.layer), one.layer.get_parent(), place)
            image.set_selected_layers([one.result for one in hosts])
        return image

    def insert_into(
        self, image: Gimp.Image, copy: Gimp.Layer, parent: Gimp.Layer | None, place: int
    ) -> None:
        """Puts the result into an image, in the place of a copy of its layer."""
        _, x, y = copy.get_offsets() if self.in_place else self.layer.get_offsets()
        scale = 1 if self.in_place else self.facts["scale"]
        locks = copy.get_lock_content(), copy.get_lock_position()
        copy.set_lock_content(False)
        copy.set_lock_position(False)
        copy.detach_parasite(provenance.IDENTITY)
        image.insert_layer(copy, parent, place)
        width, height = self.raster.width, self.raster.height
        if (copy.get_width(), copy.get_height()) != (width, height):
            copy.scale(width, height, False)  # with its mask
        copy.set_offsets(int(x * scale), int(y * scale))
        whole = Area(0, 0, width, height)
        layers.fill(copy, whole, self.format, self.raster.data)
        copy.update(0, 0, width, height)
        copy.set_name(self._name(self.facts))
        made_by = Provenance(
            task=self.task["id"],
            options=self.options,
            model=self.facts["model"],
            version=self.facts["version"],
            source=NO_SOURCE,
            area=whole,
        )
        provenance.attach(copy, made_by)
        copy.set_lock_content(locks[0])
        copy.set_lock_position(locks[1])
        if self.in_place and not self.is_opaque:  # it would shine through
            self.layer.set_visible(False)
        self.new = copy

    def compare(self) -> None:
        """Shows the layer, as it is now, and what came of it."""
        if self.new is None:
            return
        whole = Area(0, 0, self.layer.get_width(), self.layer.get_height())
        self._display.compare_sizes((self.layer, whole), (self.new, self.new_area()))

    def new_area(self) -> Area:
        return Area(0, 0, self.raster.width, self.raster.height)


def _new_image(
    image: Gimp.Image, hosts: List[UpscaledLayer], size: tuple[int, int], scale: float
) -> Gimp.Image:
    new = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    new.undo_disable()
    profile = image.get_color_profile()
    if profile is not None:
        new.set_color_profile(profile)
    known, across, down = image.get_resolution()
    if known:
        new.set_resolution(across * scale, down * scale)
    new.set_unit(image.get_unit())
    _take_descriptions(new, image, scale)
    for one in hosts:
        copy = Gimp.Layer.new_from_drawable(layers.duplicate(one.layer), new)
        one.insert_into(new, copy, None, len(new.get_layers()))
    new.set_selected_layers([one.result for one in hosts])
    new.undo_enable()
    return new


def _take_descriptions(new: Gimp.Image, image: Gimp.Image, scale: float) -> None:
    # What an image says beside its layers: EXIF and the like, comments, guides, its name.
    for name in image.get_parasite_list():
        parasite = image.get_parasite(name)
        if parasite is not None and parasite.is_persistent() and name != PROFILE:
            new.attach_parasite(parasite)
    metadata = image.get_metadata()
    if metadata is not None:
        new.set_metadata(metadata)
    guide = image.find_next_guide(0)
    while guide:
        place = int(image.get_guide_position(guide) * scale)
        if image.get_guide_orientation(guide) == Gimp.OrientationType.HORIZONTAL:
            new.add_hguide(place)
        else:
            new.add_vguide(place)
        guide = image.find_next_guide(guide)
    file = image.get_file()
    if file is not None:
        new.set_file(_beside(file))


def _beside(file: Gio.File) -> Gio.File:
    # A name that nothing has: saving must not replace what is there.
    folder, stem = file.get_parent(), file.get_basename().rsplit(".", 1)[0]
    endings = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
    files = (folder.get_child(f"{stem}_upscaled{ending}.xcf") for ending in endings)
    return next(one for one in files if not one.query_exists(None))
