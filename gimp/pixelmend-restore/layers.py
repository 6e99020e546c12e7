"""A layer's pixels: out as they are, back as a new layer or in place, without any conversion."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Iterator, Tuple

from gi.repository import Babl, Gegl, Gimp

from pixelmend.errors import UnsupportedImage
from pixelmend.host.selection import Area, context
from pixelmend.wire import Bytes, Json, Raster

ROWS = 64  # moved at once: faster than all at once, and without copies of everything
SAMPLE_TYPES = {"u8": "U8", "u16": "U16", "half": "F16", "float": "F32"}
SHOWN = "R'G'B'A u8"  # without a space of its own it is sRGB, as a screen shows it
MASK = "Y u8"  # 0 to 255
FINE_MASK = "Y float"  # holds what masks of deeper images hold


@dataclass(frozen=True)
class Format:
    """How a layer holds its pixels."""

    babl: str  # GEGL converts nothing where it is asked for exactly this
    sample_type: str  # as the wire names it
    channels: str
    encoding: str


@contextlib.contextmanager
def one_step(image: Gimp.Image) -> Iterator[None]:
    """Makes one step of undo of what is done to an image."""
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()


def format_of(layer: Gimp.Layer) -> Format:
    """Returns the format that GIMP hands over as it is."""
    native = layer.get_format()
    model, kind = Babl.get_name(native).split("-space-")[0].rsplit(" ", 1)
    kind = kind if kind in SAMPLE_TYPES else "float"  # u32 and double, which only a few images have
    channels = model.replace("'", "").replace("~", "")
    encoding = "nonlinear" if "'" in model else "perceptual" if "~" in model else "linear"
    # The name without the image's own color space would mean sRGB, and a conversion to it.
    babl = Babl.get_name(Babl.format_with_space(f"{model} {kind}", native))
    return Format(babl, SAMPLE_TYPES[kind], channels, encoding)


def layer_of(drawable: Gimp.Drawable) -> Gimp.Layer:
    """Returns the layer that is meant.

    Raises:
        UnsupportedImage: None is.
    """
    if isinstance(drawable, Gimp.LayerMask):
        drawable = Gimp.Layer.from_mask(drawable)
    if not isinstance(drawable, Gimp.Layer):
        raise UnsupportedImage(
            "A channel can't be restored", hint="Click on a layer in the Layers dialog"
        )
    image = drawable.get_image()
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise UnsupportedImage(
            "An indexed image has too few colors to be restored",
            hint="Change it to RGB first: Image > Mode > RGB",
        )
    if image.get_floating_sel() is not None:
        raise UnsupportedImage(
            "The image has a floating selection", hint="Anchor it first: Layer > Anchor Layer"
        )
    return drawable


def selected_area(layer: Gimp.Layer, task: Json) -> Area:
    """Returns the selected part of a layer, with what has to be seen around it.

    Raises:
        UnsupportedImage: The selection lies elsewhere.
    """
    width, height = layer.get_width(), layer.get_height()
    if Gimp.Selection.is_empty(layer.get_image()):
        return Area(0, 0, width, height)
    meets, x, y, across, down = layer.mask_intersect()
    if not meets:
        raise UnsupportedImage(
            "The selection lies outside of the layer",
            hint="Select a part of the layer, or nothing at all",
        )
    whole = Area(0, 0, width, height)
    selected = Area(x, y, across, down)
    return selected.padded(context(task, selected)).intersection(whole) or whole


def read(layer: Gimp.Layer, area: Area, mask: bytes | None) -> Raster:
    """Takes a part of a layer, in the layer's own depth, encoding and profile."""
    form = format_of(layer)
    profile = layer.get_image().get_color_profile()
    data = b"".join(pixels(layer, area, form.babl))
    return Raster(
        width=area.width,
        height=area.height,
        sample_type=form.sample_type,
        channels=form.channels,
        data=data,
        encoding=form.encoding,
        mask=mask,
        color_profile=None if profile is None else bytes(profile.get_icc_profile()),
    )


def pixels(drawable: Gimp.Drawable, area: Area, form: str) -> Iterator[bytes]:
    """Yields a part of a drawable, strip by strip."""
    buffer = drawable.get_buffer()
    for _, rectangle in strips(area):
        yield buffer.get(rectangle, 1.0, form, Gegl.AbyssPolicy.NONE)


def strips(area: Area) -> Iterator[Tuple[int, Gegl.Rectangle]]:
    """Yields where each strip of a part of a layer begins, and its rectangle in the layer."""
    for strip in area.strips(ROWS):
        rectangle = Gegl.Rectangle.new(strip.x, strip.y, strip.width, strip.height)
        yield strip.y - area.y, rectangle


def selection(layer: Gimp.Layer, area: Area, form: str) -> bytes:
    """Returns how much each pixel of a part of a layer is selected."""
    _, left, top = layer.get_offsets()
    in_image = Area(area.x + left, area.y + top, area.width, area.height)
    return b"".join(pixels(layer.get_image().get_selection(), in_image, form))


def mask_of(layer: Gimp.Layer, area: Area) -> bytes:
    """Returns a part of a layer's mask, 0 to 255."""
    return b"".join(pixels(layer.get_mask(), area, MASK))


def bounds_of(mask: Gimp.LayerMask, area: Area) -> Area | None:
    """Returns the rectangle of a mask's part that is not black; None where all of it is."""
    left, right, rows = area.width, 0, []
    for top, strip in zip(range(0, area.height, ROWS), pixels(mask, area, MASK)):
        for number, first in enumerate(range(0, len(strip), area.width)):
            row = strip[first : first + area.width]
            if row.strip(b"\0"):
                rows.append(top + number)
                left = min(left, len(row) - len(row.lstrip(b"\0")))
                right = max(right, len(row.rstrip(b"\0")))
    if not rows:
        return None
    return Area(area.x + left, area.y + rows[0], right - left, rows[-1] + 1 - rows[0])


def is_opaque(layer: Gimp.Layer) -> bool:
    """Tells whether a layer hides all that it lies on: then a copy above it looks as it does."""
    normal = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)
    if layer.get_filters():  # a shadow, for one, would be seen twice
        return False
    if layer.get_mode() not in normal or layer.get_opacity() < 100 or layer.get_mask() is not None:
        return False
    if not layer.has_alpha():
        return True
    whole = Area(0, 0, layer.get_width(), layer.get_height())
    return all(strip[3::4].count(255) * 4 == len(strip) for strip in pixels(layer, whole, SHOWN))


def duplicate(layer: Gimp.Layer) -> Gimp.Layer:
    """Returns a layer that looks the same, and is in no image yet.

    Of a group or a text it is a plain layer, because nothing else can hold pixels of its own.
    """
    if type(layer) is Gimp.Layer:
        return layer.copy()
    width, height = layer.get_width(), layer.get_height()
    opacity, mode = layer.get_opacity(), layer.get_mode()
    if mode == Gimp.LayerMode.PASS_THROUGH:  # of groups alone
        mode = Gimp.LayerMode.NORMAL
    image = layer.get_image()
    new = Gimp.Layer.new(image, layer.get_name(), width, height, layer.type(), opacity, mode)
    form, whole = format_of(layer).babl, Area(0, 0, width, height)
    fill(new, whole, form, b"".join(pixels(layer, whole, form)))
    if layer.get_mask() is not None:
        mask = new.create_mask(Gimp.AddMaskType.WHITE)
        new.add_mask(mask)
        fill(mask, whole, FINE_MASK, b"".join(pixels(layer.get_mask(), whole, FINE_MASK)))
        new.set_apply_mask(layer.get_apply_mask())
        new.set_show_mask(layer.get_show_mask())
    _, x, y = layer.get_offsets()
    new.set_offsets(x, y)
    new.set_blend_space(layer.get_blend_space())
    new.set_composite_space(layer.get_composite_space())
    new.set_composite_mode(layer.get_composite_mode())
    new.set_color_tag(layer.get_color_tag())
    new.set_visible(layer.get_visible())
    new.set_lock_content(layer.get_lock_content())
    new.set_lock_position(layer.get_lock_position())
    new.set_lock_visibility(layer.get_lock_visibility())
    for effect in layer.get_filters():
        _append_copy(new, effect)
    return new


def _append_copy(layer: Gimp.Layer, effect: Gimp.DrawableFilter) -> None:
    new = Gimp.DrawableFilter.new(layer, effect.get_operation_name(), effect.get_name())
    settings, known = new.get_config(), effect.get_config()
    for one in known.list_properties():
        settings.set_property(one.name, known.get_property(one.name))
    new.set_opacity(effect.get_opacity())
    new.set_blend_mode(effect.get_blend_mode())
    new.update()
    layer.append_filter(new)
    new.set_visible(effect.get_visible())


def fill(drawable: Gimp.Drawable, area: Area, form: str, data: Bytes) -> None:
    """Puts pixels into what is in no image yet."""
    buffer = drawable.get_buffer()
    _set(buffer, area, form, data)
    buffer.flush()


def replace(layer: Gimp.Layer, area: Area, form: str, data: Bytes) -> None:
    """Replaces pixels of a layer that is in an image; one undo step, whatever is selected.

    Raises:
        UnsupportedImage: The layer is locked.
    """
    image = layer.get_image()
    kept = None if Gimp.Selection.is_empty(image) else Gimp.Selection.save(image)
    # A merge would be blended by the selection, and must write all of what it covers.
    Gimp.Selection.none(image)
    whole = Area(0, 0, layer.get_width(), layer.get_height())
    native = format_of(layer).babl
    try:
        buffer = layer.get_shadow_buffer()
        for (_, rectangle), strip in zip(strips(whole), pixels(layer, whole, native)):
            buffer.set(rectangle, native, strip)
        _set(buffer, area, form, data)
        buffer.flush()
        merged = layer.merge_shadow(True)
    finally:
        if kept is not None:
            image.select_item(Gimp.ChannelOps.REPLACE, kept)
            image.remove_channel(kept)
    if not merged:
        raise UnsupportedImage(
            "The pixels of the layer are locked", hint="Unlock them in the Layers dialog"
        )
    layer.update(area.x, area.y, area.width, area.height)


def _set(buffer: Gegl.Buffer, area: Area, form: str, data: Bytes) -> None:
    view = memoryview(data)
    row = len(view) // area.height
    for top, rectangle in strips(area):
        # As bytes: anything else is taken apart number by number.
        buffer.set(rectangle, form, bytes(view[top * row : (top + rectangle.height) * row]))
