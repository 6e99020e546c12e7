"""What GIMP does where the engine changes nothing: all that changes is the plug-in's.

Runs in GIMP's own Python, by `exec`; `folder` is where the photograph is and the answers go,
`inside` where this file lies.
"""

import os

from gi.repository import Gegl, Gimp, Gio

with open(os.path.join(inside, "gimp_stage.py"), encoding="utf-8") as stage:
    exec(compile(stage.read(), stage.name, "exec"))

AGAIN = "plug-in-pixelmend-again"


def seen(image):
    """What is seen of an image."""
    layer = Gimp.Layer.new_from_visible(image, image, "seen")
    whole = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    return dump(layer.get_buffer().get(whole, 1.0, "R'G'B'A u8", NONE))


def first_of(image):
    return image.get_layers()[0]


@scene
def locked_pixels():
    image, layer = photo("RGBA")
    layer.set_lock_content(True)
    layer.set_lock_alpha(True)
    layer.set_lock_position(True)
    answer = call(image, [layer])
    new = first_of(image)
    locks = [new.get_lock_content(), new.get_lock_alpha(), new.get_lock_position()]
    again = call(image, [new], AGAIN)
    return {**answer, "locks": locks, "again": again, "layers": everything(image)}


@scene
def again_in_another_image():
    image, layer = photo()
    call(image, [layer])
    other, beside = photo()
    beside.get_buffer().set(Gegl.Rectangle.new(0, 0, 1, 1), "R'G'B' u8", b"abc")
    pasted = Gimp.Layer.new_from_drawable(first_of(image), other)
    other.insert_layer(pasted, None, 0)
    tattoos = [beside.get_tattoo(), layer.get_tattoo()]
    return {**call(other, [pasted], AGAIN), "tattoos": tattoos}


@scene
def again_of_a_copy():
    """The original was duplicated: its copy is known by the same, and changed."""
    image, layer = photo()
    call(image, [layer])
    copy = layer.copy()
    image.insert_layer(copy, None, 0)
    copy.fill(Gimp.FillType.WHITE)
    before = pixels(layer)
    answer = call(image, [image.get_layers()[1]], AGAIN)
    return {"before": before, **answer, "layers": everything(image)}


def turned(channels, turn):
    image, layer = photo(channels)
    if channels == "RGBA":
        layer.set_opacity(80)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 15, 20, 20, 24)
    call(image, [layer])
    Gimp.Selection.none(image)
    turn(image)
    new = first_of(image)
    # What *Restore Again* has to bring back: the original, where the mask is.
    black = new.get_buffer()
    mask = new.get_mask()
    if mask is not None:
        width, height = new.get_width(), new.get_height()
        blank = bytes(3 * width * height)
        black.set(Gegl.Rectangle.new(0, 0, width, height), "R'G'B' u8", blank)
        black.flush()
    answer = call(image, [new], AGAIN)
    return {**answer, "layers": everything(image)}


@scene
def again_after_a_flip():
    return turned("RGB", lambda image: image.flip(Gimp.OrientationType.HORIZONTAL))


@scene
def again_after_a_turn():
    return turned("RGB", lambda image: image.rotate(Gimp.RotationType.DEGREES90))


@scene
def again_after_a_flip_without_a_mask():
    return turned("RGBA", lambda image: image.flip(Gimp.OrientationType.HORIZONTAL))


def rectangle(layer, x, y, width, height, color):
    buffer = layer.get_buffer()
    data = bytes(color) * (width * height)
    buffer.set(Gegl.Rectangle.new(x, y, width, height), "R'G'B'A u8", data)
    buffer.flush()


def with_shadow(image, layer):
    effect = Gimp.DrawableFilter.new(layer, "gegl:dropshadow", "shadow")
    effect.get_config().set_property("x", 9.0)
    effect.set_opacity(0.5)
    effect.update()
    layer.append_filter(effect)


def half(image, layer):
    layer.set_opacity(50)


def multiplied(image, layer):
    layer.set_mode(Gimp.LayerMode.MULTIPLY)
    layer.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
    layer.set_blend_space(Gimp.LayerColorSpace.RGB_LINEAR)


def masked(image, layer):
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    buffer = layer.get_mask().get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, 30, 40), "Y' u8", bytes([90]) * 1200)
    buffer.flush()


def with_mask_off(image, layer):
    masked(image, layer)
    layer.set_apply_mask(False)


def tagged(image, layer):
    layer.set_color_tag(Gimp.ColorTag.GREEN)


def locked(image, layer):
    layer.set_lock_content(True)
    layer.set_lock_position(True)


def hidden(image, layer):
    layer.set_visible(False)


PROPERTIES = [with_shadow, half, multiplied, masked, with_mask_off, tagged, locked, hidden]
KEPT = [
    "get_opacity", "get_mode", "get_composite_mode", "get_blend_space", "get_composite_space",
    "get_color_tag", "get_lock_content", "get_lock_position", "get_lock_visibility",
    "get_apply_mask", "get_show_mask",
]  # fmt: skip


def value_of(value):
    return list(value.get_rgba()) if isinstance(value, Gegl.Color) else str(value)


def kept(layer):
    told = {name: str(getattr(layer, name)()) for name in KEPT}
    effects = [
        [one.get_operation_name(), one.get_opacity(), one.get_visible(),
         [value_of(one.get_config().get_property(each.name))
          for each in one.get_config().list_properties()]]
        for one in layer.get_filters()
    ]  # fmt: skip
    return {**told, "effects": effects, "offsets": list(layer.get_offsets())[1:],
            "size": [layer.get_width(), layer.get_height()], "mask": layer.get_mask() is not None,
            }  # fmt: skip


def layer_of_kind(image, kind):
    if kind == "text":
        font = Gimp.context_get_font()
        layer = Gimp.TextLayer.new(image, "Pixelmend", font, 30, Gimp.Unit.pixel())
        image.insert_layer(layer, None, 0)
        layer.set_offsets(21, 40)
    elif kind == "group":
        layer = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(layer, None, 0)
        add(image, Gimp.ImageType.RGBA_IMAGE, layer, "inner").set_offsets(13, 9)
    else:
        layer = add(image, Gimp.ImageType.RGBA_IMAGE)
    return layer


def properties_of(kind, give, name="plug-in-pixelmend-deblur", **options):
    image, below = photo("RGBA")
    below.set_offsets(0, 0)
    rectangle(below, 0, 0, 120, 96, (40, 160, 220, 255))
    layer = layer_of_kind(image, kind)
    give(image, layer)
    before = {**kept(layer), "seen": seen(image), "visible": layer.get_visible()}
    answer = call(image, [layer], name, **options)
    here = made.pop() if made else image
    new = first_of(here)
    return {"before": before, **answer, "after": kept(new), "seen": seen(here),
            "source_visible": layer.get_visible(), "visible": new.get_visible(),
            "source": list(layer.get_offsets())[1:]}  # fmt: skip


@scene
def properties():
    return {f"{kind} {give.__name__}": properties_of(kind, give)
            for kind in ("layer", "text", "group") for give in PROPERTIES}  # fmt: skip


UPSCALE = "plug-in-pixelmend-upscale"


@scene
def enlarged():
    return {f"{kind} {give.__name__} {place}": properties_of(kind, give, UPSCALE, place=place)
            for kind in ("layer", "text", "group") for give in (half, tagged, locked)
            for place in ("here", "new")}  # fmt: skip


@scene
def enlarged_apart():
    image, layer = photo()
    image.add_hguide(30)
    image.add_vguide(50)
    image.attach_parasite(Gimp.Parasite.new("gimp-comment", 1, b"a word"))
    image.set_metadata(Gimp.Metadata.deserialize(
        "<?xml version='1.0' encoding='UTF-8'?><metadata>"
        '<tag name="Exif.Image.Artist">Ann</tag></metadata>'
    ))  # fmt: skip
    image.set_file(Gio.File.new_for_path(os.path.join(folder, "holiday.xcf")))
    answer = call(image, [layer], UPSCALE, place="new")
    new = made.pop()
    guides, guide = [], new.find_next_guide(0)
    while guide:
        guides.append([str(new.get_guide_orientation(guide)), new.get_guide_position(guide)])
        guide = new.find_next_guide(guide)
    told = new.get_metadata()
    return {**answer, "guides": guides, "name": new.get_name(),
            "comment": bytes(new.get_parasite("gimp-comment").get_data()).decode(),
            "metadata": told and told.serialize()}  # fmt: skip


@scene
def scripts():
    image, layer = photo()
    other, beside = photo()
    lost = Gimp.get_pdb().lookup_procedure("plug-in-pixelmend-deblur")
    config = lost.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    config.set_property("run-mode", Gimp.RunMode.WITH_LAST_VALS)
    last = lost.run(config).index(0).value_nick
    return {"none": call(image, []), "foreign": call(image, [layer, beside]),
            "foreign_layers": len(other.get_layers()), "last": last,
            "layers": everything(image)}  # fmt: skip


finish()
