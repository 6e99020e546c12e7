"""What GIMP does in the tests: scene after scene, each described in told.json and files beside it.

Runs in GIMP's own Python, by `exec`; `folder` is where the photograph is and the answers go,
`inside` where this file lies.
"""

import json
import os
import sys

sys.path.insert(0, inside)
import plugin_settings
from gi.repository import Gegl, Gimp, Gio

with open(os.path.join(inside, "gimp_stage.py"), encoding="utf-8") as stage:
    exec(compile(stage.read(), stage.name, "exec"))


@scene
def whole_layer():
    image, layer = photo()
    before = pixels(layer)
    return {"before": before, **call(image, [layer]), "layers": everything(image)}


@scene
def depths():
    adobe = Gimp.ColorProfile.new_rgb_adobe()
    kinds = [
        ("RGB", Gimp.Precision.U8_NON_LINEAR, adobe),
        ("RGBA", Gimp.Precision.U8_LINEAR, None),
        ("Y", Gimp.Precision.U8_NON_LINEAR, None),
        ("YA", Gimp.Precision.U16_NON_LINEAR, None),
        ("RGB", Gimp.Precision.U16_LINEAR, adobe),
        ("RGB", Gimp.Precision.HALF_LINEAR, None),
        ("RGBA", Gimp.Precision.FLOAT_LINEAR, adobe),
        ("RGB", Gimp.Precision.FLOAT_PERCEPTUAL, adobe),
        ("Y", Gimp.Precision.FLOAT_NON_LINEAR, None),
    ]
    answers = []
    for channels, precision, profile in kinds:
        image, layer = photo(channels, precision, profile)
        before = pixels(layer)
        answers.append({"before": before, **call(image, [layer]), "layers": everything(image)})
    return {"kinds": answers}


@scene
def feathered_selection():
    image, layer = photo()
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 41, 37, 30, 24)
    Gimp.Selection.feather(image, 8)
    return restored(image, layer)


@scene
def selection_elsewhere():
    image, layer = photo()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 140, 110, 10, 10)
    return {**call(image, [layer]), "layers": everything(image)}


@scene
def transparency():
    image, layer = photo("RGBA")
    clear = b"\x64\x64\x64\x00" * 20 + b"\xc8\xc8\xc8\x80" * 20
    for row in range(10):
        layer.get_buffer().set(Gegl.Rectangle.new(0, row, 40, 1), "R'G'B'A u8", clear)
    layer.get_buffer().flush()
    before = pixels(layer)
    return {"before": before, **call(image, [layer]), "layers": everything(image)}


@scene
def opaque_alpha():
    image, layer = photo("RGBA")
    return {**call(image, [layer]), "layers": everything(image)}


@scene
def mask_and_selection():
    image, layer = photo()
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 41, 37, 30, 24)
    Gimp.Selection.feather(image, 8)
    before, selected = pixels(layer), selection(layer)
    answer = call(image, [layer.get_mask()])  # as when the mask is being edited
    return {"before": before, "selected": selected, **answer, "layers": everything(image)}


@scene
def group():
    image = Gimp.Image.new(160, 130, Gimp.ImageBaseType.RGB)
    parent = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(parent, None, 0)
    add(image, parent=parent)
    inner = add(image, parent=parent, name="inner")
    inner.set_offsets(20, 20)
    of_group = call(image, [parent])
    of_inner = call(image, [inner])
    children = [pixels(layer) for layer in parent.get_children()]
    return {"of_group": of_group, "of_inner": of_inner, "layers": everything(image),
            "children": children}  # fmt: skip


@scene
def text():
    image, _ = photo()
    font = Gimp.context_get_font()
    layer = Gimp.TextLayer.new(image, "Pixelmend", font, 20, Gimp.Unit.pixel())
    image.insert_layer(layer, None, 0)
    before = pixels(layer)
    return {"before": before, **call(image, [layer]), "layers": everything(image)}


@scene
def several():
    image, layer = photo()
    other = add(image, name="other")
    return {**call(image, [other, layer]), "layers": everything(image)}


@scene
def indexed():
    image, layer = photo()
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16,
                          False, False, "")  # fmt: skip
    return {**call(image, [layer]), "layers": [one.get_name() for one in image.get_layers()]}


@scene
def channel():
    image, _ = photo()
    made = Gimp.Channel.new(image, "channel", 160, 130, 50, Gegl.Color.new("red"))
    image.insert_channel(made, None, 0)
    return call(image, [made])


@scene
def options():
    image, layer = photo()
    before = pixels(layer)
    answer = call(image, [layer], model="hi-diff-compact", strength=0.0, seed=5, tile="512")
    return {"before": before, **answer, "layers": everything(image)}


@scene
def absent_weights():
    image, layer = photo()
    return {**call(image, [layer], model="hi-diff-gopro"), "layers": everything(image)}


@scene
def again():
    image, layer = photo()
    call(image, [layer])
    saved = Gio.File.new_for_path(os.path.join(folder, "again.xcf"))
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, saved, None)
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, saved)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 20)
    first, source = image.get_layers()
    before, kept = pixels(first), pixels(source)
    answer = call(image, [first], "plug-in-pixelmend-again", options='{"strength": 0.5}')
    bounds = Gimp.Selection.bounds(image)
    wrong = call(image, [source], "plug-in-pixelmend-again")
    image.remove_layer(source)
    alone = everything(image)
    orphan = call(image, [first], "plug-in-pixelmend-again")
    return {"before": before, **answer, "source": kept, "layers": alone, "wrong": wrong,
            "orphan": orphan, "bounds": list(bounds)[2:],
            "channels": len(image.get_channels())}  # fmt: skip


@scene
def again_of_a_selection():
    image, layer = photo("RGBA")
    layer.set_opacity(80)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 41, 37, 30, 24)
    Gimp.Selection.feather(image, 8)
    call(image, [layer])
    first = pixels(image.get_layers()[0])
    Gimp.Selection.none(image)
    answer = call(image, [image.get_layers()[0]], "plug-in-pixelmend-again")
    return {"first": first, **answer, "layers": everything(image)}


UPSCALE = "plug-in-pixelmend-upscale"
FILL = "plug-in-pixelmend-inpaint"


def size(image):
    return [image.get_width(), image.get_height()]


@scene
def upscaled_into_a_new_image():
    image, layer = photo("RGBA", Gimp.Precision.U16_NON_LINEAR, Gimp.ColorProfile.new_rgb_adobe())
    image.set_resolution(300, 150)
    layer.set_opacity(80)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 20, 20, 20)
    before = pixels(layer)
    answer = call(image, [layer], UPSCALE, model="diffir-realsr-x2")
    new = made.pop()
    again = call(new, [new.get_layers()[0]], "plug-in-pixelmend-again")
    return {"before": before, **answer, "old": everything(image), "old_size": size(image),
            "layers": everything(new), "size": size(new), "again": again,
            "resolution": list(new.get_resolution())[1:]}  # fmt: skip


@scene
def upscaled_here():
    image, layer = photo()
    other = add(image, name="other")
    other.set_offsets(20, 30)
    before = pixels(layer)
    answer = call(image, [other, layer], UPSCALE, model="diffir-realsr-x2", place="here")
    same = made.pop().get_id() == image.get_id()
    return {"before": before, **answer, "layers": everything(image), "size": size(image),
            "same": same}  # fmt: skip


@scene
def upscaled_by_what_no_model_does():
    image, layer = photo()
    answer = call(image, [layer], UPSCALE, model="diffir-realsr-x2", scale="4", place="here")
    return {**answer, "layers": everything(image), "size": size(image)}


@scene
def filled_selection():
    image, layer = photo()
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 41, 37, 30, 24)
    Gimp.Selection.feather(image, 8)
    return restored(image, layer, FILL, model="diffir-inpaint-faces")


@scene
def filled_transparency():
    image, layer = photo("RGBA")
    clear = b"\x64\x64\x64\x00" * 20 + b"\xc8\xc8\xc8\x80" * 20
    for row in range(10):
        layer.get_buffer().set(Gegl.Rectangle.new(30, 30 + row, 40, 1), "R'G'B'A u8", clear)
    layer.get_buffer().flush()
    before = pixels(layer)
    answer = call(image, [layer], FILL, model="diffir-inpaint-faces")
    return {"before": before, **answer, "layers": everything(image)}


@scene
def nothing_to_fill():
    image, layer = photo()
    return {**call(image, [layer], FILL, model="diffir-inpaint-faces"), "layers": everything(image)}


FACES = "plug-in-pixelmend-face"
PHOTO, DENOISE = "plug-in-pixelmend-restore", "plug-in-pixelmend-denoise"
SETTINGS = os.path.join(Gimp.directory(), "plug-ins", "pixelmend-restore", "settings.json")


def small_engine():
    """Has the plug-in use the engine that has small models, and finds red noses."""
    with open(os.path.join(folder, "small.json"), encoding="utf-8") as file:
        return plugin_settings.changed(SETTINGS, **json.load(file))


@scene
def restored_photo():
    image, layer = photo("RGBA", Gimp.Precision.U16_NON_LINEAR)
    before = pixels(layer)
    with small_engine():
        answer = call(image, [layer], PHOTO, model="diffbir-v2.1", steps=2, prompt="a clock")
    return {"before": before, **answer, "layers": everything(image)}


@scene
def denoised_selection():
    image, layer = photo()
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 40, 30, 50, 40)
    Gimp.Selection.feather(image, 8)
    with small_engine():
        return restored(image, layer, DENOISE, model="diffbir-v2.1", steps=2, fidelity=0.5)


def people(*noses):
    """Makes an image with a red spot for each face, as the detector of the tests wants them."""
    width, height = 300, 200
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "group", width, height, Gimp.ImageType.RGB_IMAGE, 100, NORMAL)
    image.insert_layer(layer, None, 0)
    data = bytearray(b"\x78\x80\x90" * (width * height))
    for x, y in noses:
        for row in range(y - 9, y + 10):
            start = (row * width + x - 9) * 3
            data[start : start + 19 * 3] = b"\xff\x00\x00" * 19
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, width, height), "R'G'B' u8", bytes(data))
    layer.get_buffer().flush()
    return image, layer


@scene
def faces():
    image, layer = people((70, 110), (220, 90))
    before = pixels(layer)
    with small_engine():
        answer = call(image, [layer], FACES)
    return {"before": before, **answer, "layers": everything(image)}


@scene
def one_face_of_two():
    image, layer = people((70, 110), (220, 90))
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 90, 20, 30)
    with small_engine():
        return restored(image, layer, FACES)


@scene
def the_other_face():
    image, layer = people((70, 110), (220, 90))
    with small_engine():
        answer = call(image, [layer], FACES, faces="1")
    return {**answer, "layers": everything(image)}


@scene
def no_face():
    image, layer = people()
    with small_engine():
        answer = call(image, [layer], FACES)
    return {**answer, "layers": everything(image)}


finish()
