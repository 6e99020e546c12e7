"""What a layer was like when it was read: its result fits, or becomes an image of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Tuple

import layers
from gi.repository import Gegl, Gimp

from pixelmend.host.selection import Area
from pixelmend.wire import Raster

GRID = 8  # samples a side: enough to tell which way a photograph lies


@dataclass(frozen=True)
class LayerState:
    """A layer and its image, as they were."""

    size: Tuple[int, int]  # of the layer
    kind: Tuple[Any, Any]  # of the image: its base type, its precision
    form: str  # of the pixels, as GEGL names it
    has_alpha: bool
    profile: Any
    samples: List[List[bytes]]

    @classmethod
    def of(cls, layer: Gimp.Layer) -> LayerState:
        """Describes a layer as it is now."""
        image = layer.get_image()
        return cls(
            size=(layer.get_width(), layer.get_height()),
            kind=(image.get_base_type(), image.get_precision()),
            form=layers.format_of(layer).babl,
            has_alpha=layer.has_alpha(),
            profile=image.get_color_profile(),
            samples=_samples(layer),
        )

    def still_holds(self, layer: Gimp.Layer) -> bool:
        """Tells whether a result of then lies where it belongs: painting does not matter."""
        now = LayerState.of(layer)
        return now.size == self.size and now.kind == self.kind and not self._is_turned(now)

    def _is_turned(self, now: LayerState) -> bool:
        upside_down = self.samples[::-1]
        turned = (_mirrored(self.samples), upside_down, _mirrored(upside_down))
        as_it_was = _difference(self.samples, now.samples)
        return any(_difference(one, now.samples) < as_it_was for one in turned)

    def open_apart(self, raster: Raster, name: str) -> Gimp.Image:
        """Makes an image of a result, with the depth and the profile of then."""
        width, height = raster.width, raster.height
        image = Gimp.Image.new_with_precision(width, height, *self.kind)
        image.undo_disable()
        if self.profile is not None:
            image.set_color_profile(self.profile)
        is_gray = self.kind[0] == Gimp.ImageBaseType.GRAY
        kinds = Gimp.ImageType
        with_alpha = kinds.GRAYA_IMAGE if is_gray else kinds.RGBA_IMAGE
        without = kinds.GRAY_IMAGE if is_gray else kinds.RGB_IMAGE
        kind = with_alpha if self.has_alpha else without
        layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        layers.fill(layer, Area(0, 0, width, height), self.form, raster.data)
        layer.update(0, 0, width, height)
        image.undo_enable()
        return image


def _samples(layer: Gimp.Layer) -> List[List[bytes]]:
    buffer = layer.get_buffer()
    rows = [place * (layer.get_height() - 1) // (GRID - 1) for place in range(GRID)]
    columns = [place * (layer.get_width() - 1) // (GRID - 1) for place in range(GRID)]

    def sample(x: int, y: int) -> bytes:
        rectangle = Gegl.Rectangle.new(x, y, 1, 1)
        return buffer.get(rectangle, 1.0, layers.SHOWN, Gegl.AbyssPolicy.NONE)

    return [[sample(x, y) for x in columns] for y in rows]


def _mirrored(samples: List[List[bytes]]) -> List[List[bytes]]:
    return [row[::-1] for row in samples]


def _difference(one: List[List[bytes]], other: List[List[bytes]]) -> int:
    return sum(
        abs(here - there)
        for rows in zip(one, other)
        for pixels in zip(*rows)
        for here, there in zip(*pixels)
    )
