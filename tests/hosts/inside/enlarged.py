"""Shows a small image, and scales it by *Upscale*. Runs in GIMP's own Python, by `exec`."""

from gi.repository import Gimp

image = Gimp.Image.new(64, 48, Gimp.ImageBaseType.RGB)
for name, width in (("below", 64), ("small", 40)):
    kind = Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, width, 30, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    layer.fill(Gimp.FillType.WHITE)
image.undo_enable()
Gimp.Display.new(image)
procedure = Gimp.get_pdb().lookup_procedure("plug-in-pixelmend-upscale")
config = procedure.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", [layer])
config.set_property("model", "diffir-realsr-x2")
config.set_property("place", "here")
procedure.run(config)
