"""What GIMP does where the engine changes nothing: all that changes is the plug-in's.

Runs in GIMP's own Python, by `exec`; `folder` is where the photograph is and the answers go,
`inside` where this file lies.
"""

import os

from gi.repository import Gegl, Gimp

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
