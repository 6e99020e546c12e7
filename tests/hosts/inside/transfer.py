"""Times the parts of a restoration of 24 megapixels; see tests/bench/gimp_transfer.py.

Runs in GIMP's own Python, by `exec`; `answer` is a path, `runs` a number.
"""

import glob
import json
import os
import sys
import time

from gi.repository import Gegl, Gimp

plug_in = glob.glob(os.path.join(Gimp.directory(), "plug-ins", "pixelmend-restore"))[0]
sys.path.insert(0, plug_in)
from pathlib import Path

import layers

from pixelmend.client import launch
from pixelmend.host import host

WIDTH, HEIGHT = 6000, 4000
engine = host.read_install(Path(plug_in))
client = launch.find(engine.paths)
KINDS = {
    "8 bits, RGBA (96 MB)": Gimp.Precision.U8_NON_LINEAR,
    "32-bit floats, RGBA (384 MB)": Gimp.Precision.FLOAT_LINEAR,
}


def made(precision):
    """Makes a layer of noise, which nothing can be saved on."""
    image = Gimp.Image.new_with_precision(WIDTH, HEIGHT, Gimp.ImageBaseType.RGB, precision)
    kind = Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, "noise", WIDTH, HEIGHT, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    rows = os.urandom(WIDTH * 64 * 4)
    for top in range(0, HEIGHT, 64):
        rectangle = Gegl.Rectangle.new(0, top, WIDTH, min(64, HEIGHT - top))
        layer.get_buffer().set(rectangle, "R'G'B'A u8", rows[: rectangle.height * WIDTH * 4])
    layer.get_buffer().flush()
    return image, layer


def parts(image, layer):
    """Does by hand what the procedure does, and looks at the clock in between."""
    start = time.monotonic()
    new = layers.double(layer)
    area = layers.selected_area(layer, {"context": 128, "widest": None})
    raster = layers.read(new, area, None)
    was_read = time.monotonic()
    result, _ = client.restore(raster, "deblur", {})
    was_restored = time.monotonic()
    layers.fill(new, area, layers.format_of(new).babl, result.data)
    was_written = time.monotonic()
    image.insert_layer(new, None, 0)
    was_inserted = time.monotonic()
    image.remove_layer(new)
    return {
        "read": was_read - start,
        "engine": was_restored - was_read,
        "write": was_written - was_restored,
        "insert": was_inserted - was_written,
    }


def whole(image, layer):
    """Calls the procedure; returns its seconds."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-pixelmend-deblur")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    started = time.monotonic()
    result = procedure.run(config)
    assert result.index(0) == Gimp.PDBStatusType.SUCCESS, result.index(1)
    seconds = time.monotonic() - started
    image.remove_layer(image.get_layers()[0])
    layer.set_visible(True)
    return {"whole procedure": seconds}


told = {}
for kind, precision in KINDS.items():
    image, layer = made(precision)
    told[kind] = [{**parts(image, layer), **whole(image, layer)} for _ in range(int(runs))]
    image.delete()
with open(answer, "w") as file:
    json.dump(told, file)
