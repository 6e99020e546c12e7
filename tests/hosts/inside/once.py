"""Restores one picture, and writes how that ended into `answer`; see scenes.py for the rest.

Runs in GIMP's own Python, by `exec`; `answer` is a path.
"""

import json

from gi.repository import Gimp

image = Gimp.Image.new(160, 130, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(
    image, "photo", 120, 96, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL
)
image.insert_layer(layer, None, 0)
layer.fill(Gimp.FillType.WHITE)
procedure = Gimp.get_pdb().lookup_procedure("plug-in-pixelmend-deblur")
config = procedure.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", [layer])
result = procedure.run(config)
told = {
    "status": result.index(0).value_nick,
    "text": result.index(1) if result.length() > 1 else "",
    "layers": [one.get_name() for one in image.get_layers()],
}
with open(answer, "w") as file:
    json.dump(told, file)
