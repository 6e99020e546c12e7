"""What the scenes of GIMP have in common: images with a photograph, calls, and what is told.

Runs in GIMP's own Python, by `exec` in the names of a file of scenes; `folder` is where the
photograph is and the answers go.
"""

import json
import os
import traceback

from gi.repository import Babl, Gegl, Gimp

WIDTH, HEIGHT = 120, 96  # pixels of photo.bin, RGB, 8 bits
NONE = Gegl.AbyssPolicy.NONE
NORMAL = Gimp.LayerMode.NORMAL
TYPES = {
    "RGB": (Gimp.ImageBaseType.RGB, Gimp.ImageType.RGB_IMAGE),
    "RGBA": (Gimp.ImageBaseType.RGB, Gimp.ImageType.RGBA_IMAGE),
    "Y": (Gimp.ImageBaseType.GRAY, Gimp.ImageType.GRAY_IMAGE),
    "YA": (Gimp.ImageBaseType.GRAY, Gimp.ImageType.GRAYA_IMAGE),
}
told = {}
made = []  # images that procedures returned
files = iter(range(10_000))


def photo(channels="RGB", precision=Gimp.Precision.U8_NON_LINEAR, profile=None):
    """Makes an image larger than its one layer, the photograph, which is a bit off the corner."""
    base, kind = TYPES[channels]
    image = Gimp.Image.new_with_precision(160, 130, base, precision)
    if profile is not None:
        image.set_color_profile(profile)
    return image, add(image, kind)


def add(image, kind=Gimp.ImageType.RGB_IMAGE, parent=None, name="photo"):
    """Adds the photograph as a layer."""
    layer = Gimp.Layer.new(image, name, WIDTH, HEIGHT, kind, 100, NORMAL)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(11, 7)
    with open(os.path.join(folder, "photo.bin"), "rb") as file:
        data = file.read()
    whole = Gegl.Rectangle.new(0, 0, WIDTH, HEIGHT)
    layer.get_buffer().set(whole, "R'G'B' u8", data)
    layer.get_buffer().flush()
    return layer


def call(image, drawables, name="plug-in-pixelmend-deblur", **options):
    """Calls a procedure; returns its status and what it says."""
    config = Gimp.get_pdb().lookup_procedure(name).create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for option, value in options.items():
        config.set_property(option, value)
    result = Gimp.get_pdb().lookup_procedure(name).run(config)
    said = result.index(1) if result.length() > 1 else ""
    if isinstance(said, Gimp.Image):
        made.append(said)
        said = ""
    return {"status": result.index(0).value_nick, "text": said}


def dump(data):
    name = f"{next(files)}.bin"
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
    return name


def pixels(layer):
    """Describes a layer, with its pixels as GIMP holds them."""
    native = Babl.get_name(layer.get_format())
    width, height = layer.get_width(), layer.get_height()
    whole = Gegl.Rectangle.new(0, 0, width, height)
    data = layer.get_buffer().get(whole, 1.0, native, NONE)
    profile = layer.get_image().get_color_profile()
    parasite = layer.get_parasite("pixelmend-recipe")
    mask = layer.get_mask()
    return {
        "id": layer.get_id(),
        "type": type(layer).__name__,
        "name": layer.get_name(),
        "format": native.split("-space-")[0],
        "kind": native.split("-space-")[0].rsplit(" ", 1)[1],
        "width": width,
        "height": height,
        "offsets": list(layer.get_offsets())[1:],
        "visible": layer.get_visible(),
        "opacity": layer.get_opacity(),
        "profile": profile and dump(bytes(profile.get_icc_profile())),
        "recipe": parasite and json.loads(bytes(parasite.get_data())),
        "mask": mask and plane(mask.get_buffer(), width, height),
        "file": dump(data),
    }


def plane(buffer, width, height, x=0, y=0):
    data = buffer.get(Gegl.Rectangle.new(x, y, width, height), 1.0, "Y u8", NONE)
    return {"width": width, "height": height, "file": dump(data)}


def selection(layer):
    _, x, y = layer.get_offsets()
    buffer = layer.get_image().get_selection().get_buffer()
    return plane(buffer, layer.get_width(), layer.get_height(), x, y)


def restored(image, layer, *name, **options):
    """Calls a procedure; describes the layer and its selection before, and all layers after."""
    before, selected = pixels(layer), selection(layer)
    answer = call(image, [layer], *name, **options)
    return {"before": before, "selected": selected, **answer, "layers": everything(image)}


def everything(image):
    return [pixels(layer) for layer in image.get_layers()]


def scene(function):
    """Plays a scene at once; what it raises is part of the answer."""
    try:
        told[function.__name__] = function()
    except Exception:
        told[function.__name__] = {"raised": traceback.format_exc()}
    return function


def finish():
    """Writes what came of all scenes."""
    with open(os.path.join(folder, "told.json"), "w") as file:
        json.dump(told, file)
