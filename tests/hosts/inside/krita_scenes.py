"""What Krita does in the tests. Runs in Krita's own Python, by `pixelmend_driver`.

`folder` is where the photograph is, and where the answers go.
"""

import contextlib
import json
import os
import subprocess
import time

from krita import Krita, Selection
from pixelmend_krita import scratch
from pixelmend_krita.controller import FOLDER, controller
from pixelmend_krita.docker import ID
from pixelmend_krita.pixelmend.qt import QByteArray, QWidget
from pixelmend_krita.spaces import space_of

WIDTH, HEIGHT = 120, 96  # pixels of photo.bin: RGB, 8 bits
CANVAS = (160, 130)
SRGB = "sRGB-elle-V2-srgbtrc.icc"
LINEAR = "sRGB-elle-V2-g10.icc"
KINDS = {"U8": "u8", "U16": "u16", "F16": "half", "F32": "float"}
SETTINGS = str(FOLDER / "settings.json")
WITHIN_S = 60.0
MANY = 4
SETTLE_S = 1.6  # to close a document earlier makes Krita crash
application = Krita.instance()
files = iter(range(10_000))
SCENES = []
LAST = "quit_with_a_job"  # Krita ends in the middle of it


def scene(function):
    SCENES.append(function)
    return function


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
    layer.setPixelData(QByteArray(bytes(data)), *place, WIDTH, HEIGHT)
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


def until(condition, within_s=WITHIN_S):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        yield 0.02


def restored():
    """Presses the docker's button, and waits for the end."""
    dock().run.click()
    yield from until(lambda: not controller().working)
    yield 0.4


def history():
    """Lists the undo history as Krita shows it."""
    docker = application.activeWindow().qwindow().findChild(QWidget, "History")
    view = next(one for one in docker.findChildren(QWidget) if hasattr(one, "model"))
    model = view.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def pixels(holder, name=""):
    """Describes a layer, or a document, with all its pixels on the canvas."""
    width, height = CANVAS
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
    told = []
    for node in reversed(document.rootNode().childNodes()):
        if node.type() == "selectionmask":
            continue  # Krita keeps the selection of the document so
        bounds = node.bounds()
        told.append(
            {
                **pixels(node),
                "type": node.type(),
                "bounds": [bounds.x(), bounds.y(), bounds.width(), bounds.height()],
                "visible": node.visible(),
                "opacity": node.opacity(),
            }
        )
    return told


def facts(document):
    """Describes a document, and what the docker shows."""
    panel = dock().panel
    active = document.activeNode()
    return {
        "layers": layers(document),
        "merged": pixels(document),
        "active": active and active.name(),
        "undo": history(),
        "headline": panel and panel.headline.text(),
        "hint": panel and panel.hint.text(),
        "results": [(one.name, one.homeless) for one in dock().history.results],
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


@scene
def refused():
    docker().setVisible(True)
    docker().raise_()
    yield 0.3
    dock().run.click()
    yield 0.1
    told = {"nothing": said()}
    document = yield from photo()
    select(document, 140, 110, 10, 10)
    dock().run.click()
    yield 0.1
    told["elsewhere"] = said()
    document.setSelection(None)
    empty = document.createNode("empty", "paintlayer")
    document.rootNode().addChildNode(empty, None)
    document.setActiveNode(empty)
    yield 0.3
    dock().run.click()
    yield 0.1
    told["empty"] = said()
    told["layers"] = [node.name() for node in document.rootNode().childNodes()]
    with settings(python="/nowhere/python", home=os.path.join(folder, "nowhere")):
        document.setActiveNode(document.nodeByName("photo"))
        yield 0.3
        yield from restored()
    told["no_engine"] = said()
    with open(SETTINGS, encoding="utf-8") as file:
        sound = file.read()
    with open(SETTINGS, "w", encoding="utf-8") as file:
        file.write("{")
    dock().run.click()
    with open(SETTINGS, "w", encoding="utf-8") as file:
        file.write(sound)
    yield 0.1
    told["damaged"] = said()
    return told


@scene
def whole_layer():
    document = yield from photo()
    icc = dump(scratch.color_profile(space_of(document)))
    before = {**facts(document), "widgets": [dock().task.currentText(), dock().about.text()]}
    yield from restored()
    after = facts(document)
    picture("whole.png")
    application.action("edit_undo").trigger()
    yield 0.5
    undone = facts(document)
    application.action("edit_redo").trigger()
    yield 0.5
    told = {"before": before, "after": after, "undone": undone, "redone": facts(document)}
    return {**told, "icc": icc}


@scene
def kinds():
    told = []
    for model, depth, profile in (
        ("RGBA", "U8", "ClayRGB-elle-V2-g22.icc"),
        ("RGBA", "U16", LINEAR),
        ("RGBA", "U16", SRGB),
        ("RGBA", "F16", LINEAR),
        ("RGBA", "F32", LINEAR),
        ("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc"),
        ("GRAYA", "U16", "Gray-D50-elle-V2-g10.icc"),
        ("GRAYA", "F16", "Gray-D50-elle-V2-g10.icc"),
        ("GRAYA", "F32", "Gray-D50-elle-V2-srgbtrc.icc"),
    ):
        document = yield from photo(model, depth, profile)
        layer = document.nodeByName("photo")
        icc = scratch.color_profile(space_of(layer))
        before = pixels(layer)
        yield from restored()
        told.append({"before": before, "icc": dump(icc), **facts(document)})
        yield from tidy()
    return {"kinds": told}


@scene
def feathered_selection():
    document = yield from photo()
    mask = select(document, 41, 37, 40, 30, feather=6)
    before = facts(document)
    yield from restored()
    kept = dump(document.selection().pixelData(0, 0, *CANVAS))
    return {"before": before, "mask": mask, "kept": kept, **facts(document)}


@scene
def deep_selection():
    document = yield from photo("RGBA", "U16", LINEAR, opacity=128)
    before = facts(document)
    mask = select(document, 41, 37, 40, 30, feather=6)
    yield from restored()
    return {"before": before, "mask": mask, **facts(document)}


@scene
def other_models():
    told = []
    for model, depth in (("CMYKA", "U8"), ("LABA", "U16")):
        profile = application.profiles(model, depth)[0]
        document = yield from photo(model, depth, profile)
        before = seen(document)
        yield from restored()
        told.append({"before": before, "after": seen(document), **facts(document)})
    return {"models": told}


def seen(document):
    """The picture as a screen shows it, blue first."""
    image = document.projection(0, 0, *CANVAS)
    data = image.constBits().asstring(CANVAS[0] * CANVAS[1] * 4)
    return {"kind": "u8", "width": CANVAS[0], "height": CANVAS[1], "file": dump(data)}


@scene
def gray_layer_in_color():
    document = yield from photo()
    layer = document.nodeByName("photo")
    layer.setColorSpace("GRAYA", "U16", "Gray-D50-elle-V2-g10.icc")
    document.waitForDone()
    yield 0.2
    before = seen(document)
    yield from restored()
    return {"before": before, "after": seen(document), **facts(document)}


@scene
def merged():
    document = yield from photo()
    dock().source.setCurrentIndex(1)
    before = facts(document)
    yield from restored()
    dock().source.setCurrentIndex(0)
    return {"before": before, **facts(document)}


@scene
def group_and_mask():
    document = yield from photo()
    layer = document.nodeByName("photo")
    mask = document.createTransparencyMask("mask")
    selection = Selection()
    selection.select(11, 7, 60, 96, 255)
    mask.setSelection(selection)
    layer.addChildNode(mask, None)
    document.waitForDone()
    document.setActiveNode(mask)
    yield 0.3
    yield from restored()
    masked = facts(document)
    group = document.createGroupLayer("group")
    document.rootNode().addChildNode(group, None)
    inner = layer.duplicate()
    inner.setName("inner")
    group.addChildNode(inner, None)
    document.waitForDone()
    yield 1.0  # Krita goes to what was added, some time later
    document.setActiveNode(group)
    yield 0.3
    yield from restored()
    return {"masked": masked, **facts(document)}


@scene
def half_opaque():
    document = yield from photo()
    document.nodeByName("photo").setOpacity(128)
    yield from restored()
    return facts(document)


def said():
    panel = dock().panel
    return {
        "headline": panel.headline.text(),
        "hint": panel.hint.text(),
        "icon": panel.icon.isVisible(),
    }


@contextlib.contextmanager
def settings(**changed):
    """Changes what the docker knows of the engine."""
    with open(SETTINGS, encoding="utf-8") as file:
        sound = file.read()
    with open(SETTINGS, "w", encoding="utf-8") as file:
        json.dump({**json.loads(sound), **changed}, file)
    try:
        yield
    finally:
        with open(SETTINGS, "w", encoding="utf-8") as file:
            file.write(sound)


def slow():
    """Has the docker use the engine that takes some seconds, and changes nothing."""
    with open(os.path.join(folder, "slow.json"), encoding="utf-8") as file:
        return settings(**json.load(file))


def begun():
    """Begins a job of the slow engine."""
    with slow():
        dock().run.click()
        panel = dock().panel
        yield from until(lambda: panel.bar.maximum() > 0)


@scene
def canceled():
    document = yield from photo()
    yield from begun()
    shown = {"run": dock().run.isVisible(), "stop": dock().panel.stop.text()}
    dock().panel.stop.click()
    at_once = controller().working
    yield 1.0
    told = {"shown": shown, "at_once": at_once, "panel": dock().panel is None, **facts(document)}
    yield from restored()
    return {**told, "next": [node.name() for node in document.rootNode().childNodes()]}


@scene
def closed():
    document = yield from photo()
    yield from begun()
    quiet(document)
    others = len(application.documents()) - 1
    document.close()
    yield from until(lambda: not controller().working)
    yield 0.2
    result = dock().history.results[0]
    told = {**said(), "homeless": result.homeless}
    dock().history.reopen.click()
    yield from until(lambda: len(application.documents()) > others)
    yield 1.0
    document = application.activeDocument()
    opened = pixels(document.rootNode().childNodes()[0])
    told.update(size=[document.width(), document.height()], modified=document.modified())
    return {**told, "opened": opened, "left": len(dock().history.results)}


@scene
def deleted():
    document = yield from photo()
    yield from begun()
    document.nodeByName("photo").remove()
    yield from until(lambda: not controller().working)
    yield 0.2
    return facts(document)


@scene
def changed_meanwhile():
    document = yield from photo()
    yield from begun()
    document.nodeByName("photo").move(21, 17)
    yield from until(lambda: not controller().working)
    yield 0.4
    moved = facts(document)
    document = yield from photo()
    yield from begun()
    document.resizeImage(-5, -6, 200, 180)
    yield from until(lambda: not controller().working)
    yield 0.4
    resized = facts(document)
    document = yield from photo()
    yield from begun()
    document.scaleImage(320, 260, 72, 72, "Bicubic")
    yield from until(lambda: not controller().working)
    yield 0.4
    return {"moved": moved, "resized": resized, "scaled": facts(document)}


@scene
def actions():
    names = ["pixelmend_show", "pixelmend_restore", "pixelmend_task_deblur", "pixelmend_cancel"]
    found = [application.action(name) for name in names]
    told = {"texts": [action and action.text() for action in found]}
    docker().setVisible(False)
    found[0].trigger()
    yield 0.2
    told["shown"] = docker().isVisible()
    document = yield from photo()
    found[2].trigger()
    yield from until(lambda: not controller().working)
    yield 0.3
    told["layers"] = [node.name() for node in document.rootNode().childNodes()]
    dock().form.widgets["strength"].setValue(0.5)
    told["kept"] = json.loads(application.readSetting("pixelmend", "choices", ""))
    dock().form.widgets["strength"].setValue(1.0)
    return told


@scene
def narrow():
    docker().setVisible(True)
    yield 0.1
    told = {"least": dock().minimumSizeHint().width()}
    yield from photo()
    yield from restored()
    told["with_result"] = dock().minimumSizeHint().width()
    told["panel"] = dock().panel.minimumSizeHint().width()
    return told


@scene
def quit_with_a_job():
    yield from photo()
    yield from begun()
    return {}
