"""What the scenes of Krita have in common: a document with a photograph, the docker, what is told.

Runs in Krita's own Python.
"""

import json
import os
import subprocess
import time

import plugin_settings
from krita import Krita, Selection
from pixelmend_krita.controller import FOLDER, controller
from pixelmend_krita.docker import ID
from pixelmend_krita.pixelmend.qt import QtCore, QtWidgets

WIDTH, HEIGHT = 120, 96  # pixels of photo.bin: RGB, 8 bits
CANVAS = (160, 130)
SRGB = "sRGB-elle-V2-srgbtrc.icc"
LINEAR = "sRGB-elle-V2-g10.icc"
KINDS = {"U8": "u8", "U16": "u16", "F16": "half", "F32": "float"}
SETTINGS = str(FOLDER / "settings.json")
WITHIN_S = 180.0
MANY = 4
SETTLE_S = 1.6  # to close a document earlier makes Krita crash
application = Krita.instance()
folder = os.environ["PIXELMEND_SCENES"]  # where the photograph is, and where the answers go
files = iter(range(10_000))


def dump(data):
    name = f"{next(files)}.bin"
    with open(os.path.join(folder, name), "wb") as file:
        file.write(bytes(data))
    return name


def photo(model="RGBA", depth="U8", profile=SRGB, place=(11, 7), opacity=None):
    """Opens a document larger than its layer `photo`, above an empty background."""
    document = application.createDocument(*CANVAS, "test", "RGBA", "U8", SRGB, 72.0)
    layer = document.createNode("photo", "paintlayer")
    with open(os.path.join(folder, "photo.bin"), "rb") as file:
        rgb = file.read()
    data = bytearray(b"\xff" * (WIDTH * HEIGHT * 4))
    data[0::4], data[1::4], data[2::4] = rgb[2::3], rgb[1::3], rgb[0::3]
    if opacity is not None:
        data[3::4] = bytes([opacity]) * (WIDTH * HEIGHT)
    layer.setPixelData(QtCore.QByteArray(bytes(data)), *place, WIDTH, HEIGHT)
    document.rootNode().addChildNode(layer, None)
    if (model, depth, profile) != ("RGBA", "U8", SRGB):
        document.setColorSpace(model, depth, profile)
    document.waitForDone()
    application.activeWindow().addView(document)
    yield 0.4
    document.setActiveNode(document.nodeByName("photo"))
    document.waitForDone()
    yield 0.1
    return document


def docker():
    window = application.activeWindow()
    return next(one for one in window.dockers() if one.objectName() == ID)


def dock():
    return docker().widget()


def choose(task, **answers):
    """Chooses a task and options of it, as the user does."""
    dock().choices.task.setCurrentIndex(dock().choices.task.findData(task))
    for name, answer in answers.items():
        widget = dock().choices.form.widgets[name]
        widget.setCurrentIndex(widget.findData(answer))


def until(condition, within_s=WITHIN_S):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        yield 0.02


def restored():
    """Presses the docker's button, and waits for the end."""
    dock().run_button.click()
    yield from until(lambda: not controller().busy)
    yield 0.4


def history():
    """Lists the undo history as Krita shows it."""
    docker = application.activeWindow().qwindow().findChild(QtWidgets.QWidget, "History")
    view = next(one for one in docker.findChildren(QtWidgets.QWidget) if hasattr(one, "model"))
    model = view.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def pixels(holder, size=CANVAS):
    """Describes a layer, or a document, with all its pixels on the canvas."""
    width, height = size
    data = bytes(holder.pixelData(0, 0, width, height))
    return {
        "name": holder.name(),
        "model": holder.colorModel(),
        "kind": KINDS[holder.colorDepth()],
        "color_profile": holder.colorProfile(),
        "width": width,
        "height": height,
        "file": dump(data),
    }


def layers(document):
    """Describes all layers, the topmost first."""
    told, size = [], (document.width(), document.height())
    for node in reversed(document.rootNode().childNodes()):
        if node.type() == "selectionmask":
            continue  # Krita keeps the selection of the document so
        bounds = node.bounds()
        told.append(
            {
                **pixels(node, size),
                "type": node.type(),
                "bounds": [bounds.x(), bounds.y(), bounds.width(), bounds.height()],
                "visible": node.visible(),
                "opacity": node.opacity(),
            }
        )
    return told


def facts(document):
    """Describes a document, and what the docker shows."""
    panel = dock().view
    active = document.activeNode()
    return {
        "layers": layers(document),
        "merged": pixels(document, (document.width(), document.height())),
        "active": active and active.name(),
        "undo": history(),
        "headline": panel and panel.headline.text(),
        "hint": panel and panel.hint.text(),
        "details": panel and panel.details.toPlainText(),
        "results": [(one.name, one.orphaned) for one in dock().history.results],
    }


def select(document, x, y, width, height, feather=0):
    selection = Selection()
    selection.select(x, y, width, height, 255)
    if feather:
        selection.feather(feather)
    document.setSelection(selection)
    document.waitForDone()
    box = document.selection()
    return dump(box.pixelData(0, 0, *CANVAS))


def picture(name):
    """Takes a picture of the screen."""
    subprocess.run(["import", "-window", "root", os.path.join(folder, name)], check=False)


def tidy():
    """Closes all documents, now and then: many make Krita slow, and to wait takes time, too."""
    documents = application.documents()
    if len(documents) < MANY:
        return
    yield SETTLE_S
    for document in documents:
        document.waitForDone()
        quiet(document)
        document.close()
    yield 0.2


def quiet(document):
    """Has a document closed without a question."""
    document.setBatchmode(True)
    document.setModified(False)


def seen(document):
    """The picture as a screen shows it, blue first."""
    image = document.projection(0, 0, *CANVAS)
    data = image.constBits().asstring(CANVAS[0] * CANVAS[1] * 4)
    return {"kind": "u8", "width": CANVAS[0], "height": CANVAS[1], "file": dump(data)}


def said():
    panel = dock().view
    return {
        "headline": panel.headline.text(),
        "hint": panel.hint.text(),
        "icon": panel.icon.isVisible(),
    }


def settings(**changed):
    """Changes what the docker knows of the engine."""
    return plugin_settings.changed(SETTINGS, **changed)


def slow():
    """Has the docker use the engine that takes some seconds, and changes nothing."""
    with open(os.path.join(folder, "slow.json"), encoding="utf-8") as file:
        return settings(**json.load(file))


def small():
    """Has the docker use the engine with small models, which takes red spots for noses."""
    with open(os.path.join(folder, "small.json"), encoding="utf-8") as file:
        return settings(**json.load(file))


def clicked(widget, place):
    """Clicks on a place in a widget with the mouse of the screen."""
    point = widget.mapToGlobal(place)
    where = [str(point.x()), str(point.y())]
    subprocess.run(["xdotool", "mousemove", *where, "click", "1"], check=True)
    yield 0.3


def begun():
    """Begins a job of the slow engine."""
    with slow():
        dock().run_button.click()
        view = dock().view
        yield from until(lambda: view.progress_bar.maximum() > 0)


choose("deblur")  # the first of the list is *Faces*
