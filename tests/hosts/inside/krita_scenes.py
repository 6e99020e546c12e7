"""What Krita does in the tests. Runs in Krita's own Python, by `pixelmend_driver`."""

import json
import os

from krita import Selection
from krita_meanwhile import MEANWHILE
from krita_properties import PROPERTIES
from krita_stage import (
    CANVAS,
    LINEAR,
    SETTINGS,
    SRGB,
    application,
    begun,
    choose,
    clicked,
    dock,
    docker,
    dump,
    facts,
    folder,
    layers,
    photo,
    picture,
    pixels,
    quiet,
    restored,
    said,
    seen,
    select,
    settings,
    slow,
    small,
    tidy,
    until,
)
from pixelmend_krita import scratch_document
from pixelmend_krita.color_space import color_space_of
from pixelmend_krita.controller import controller
from pixelmend_krita.pixelmend.qt import QtCore

NOSES = (30, 100)  # columns of the photograph
SCENES = []
LAST = "quit_with_a_job"  # Krita ends in the middle of it


def scene(function):
    SCENES.append(function)
    return function


@scene
def refused():
    docker().setVisible(True)
    docker().raise_()
    yield 0.3
    yield from restored()
    told = {"nothing": said()}
    document = yield from photo()
    select(document, 140, 110, 10, 10)
    yield from restored()
    told["elsewhere"] = said()
    document.setSelection(None)
    empty = document.createNode("empty", "paintlayer")
    document.rootNode().addChildNode(empty, None)
    document.setActiveNode(empty)
    yield 0.3
    yield from restored()
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
    dock().run_button.click()
    with open(SETTINGS, "w", encoding="utf-8") as file:
        file.write(sound)
    yield from until(lambda: not controller().working)
    told["damaged"] = said()
    return told


def first_start():
    """Where the docker is once the user has looked for it; asked for by name."""
    yield from photo()
    hidden = not docker().isVisible()
    application.action("pixelmend_show").trigger()
    yield from until(docker().isVisible, 30)
    yield 0.5
    picture("first_start.png")
    window = application.activeWindow()
    beside = next(one for one in window.dockers() if one.objectName() == "sharedtooldocker")
    tabs = [one.objectName() for one in window.qwindow().tabifiedDockWidgets(beside)]
    return {"hidden": hidden, "tabs": tabs, "seen": not docker().visibleRegion().isEmpty()}


if "first_start" in os.environ.get("PIXELMEND_ONLY", ""):
    scene(first_start)
SCENES += PROPERTIES  # after `refused`, which begins without a document


@scene
def whole_layer():
    document = yield from photo()
    icc = dump(scratch_document.color_profile(color_space_of(document)))
    choices = dock().choices
    widgets = [choices.task.currentText(), choices.model_label.text()]
    before = {**facts(document), "widgets": widgets}
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
        icc = scratch_document.color_profile(color_space_of(layer))
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
    dock().choices.source.setCurrentIndex(1)
    before = facts(document)
    yield from restored()
    dock().choices.source.setCurrentIndex(0)
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


@scene
def canceled():
    document = yield from photo()
    yield from begun()
    shown = {"run": dock().run_button.isVisible(), "stop": dock().cancel_button.text()}
    dock().cancel_button.click()
    at_once = controller().working
    yield 1.0
    told = {"shown": shown, "at_once": at_once, "panel": dock().view is None, **facts(document)}
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
    told = {**said(), "orphaned": result.orphaned}
    dock().history.open_button.click()
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
    dock().choices.form.widgets["strength"].setValue(0.5)
    told["kept"] = json.loads(application.readSetting("pixelmend", "choices", ""))
    dock().choices.form.widgets["strength"].setValue(1.0)
    return told


@scene
def upscaled_apart():
    choose("upscale", model="diffir-realsr-x2", place="new")
    document = yield from photo()
    before, icc = facts(document), dump(scratch_document.color_profile(color_space_of(document)))
    select(document, 41, 37, 40, 30)
    yield from restored()
    yield from until(lambda: application.activeDocument() != document)
    new = application.activeDocument()
    size = [new.width(), new.height()]
    told = {"layers": layers(new), "size": size, "resolution": new.resolution()}
    return {"before": before, "icc": icc, "old": layers(document), **told}


@scene
def upscaled_here():
    choose("upscale", model="diffir-realsr-x2", place="here")
    document = yield from photo("RGBA", "U16", LINEAR)
    before, icc = facts(document), dump(scratch_document.color_profile(color_space_of(document)))
    yield from restored()
    size = [document.width(), document.height()]
    choose("upscale", place="new")
    return {"before": before, "icc": icc, "size": size, **facts(document)}


@scene
def filled_selection():
    choose("inpaint", model="diffir-inpaint-faces")
    document = yield from photo()
    before, icc = facts(document), dump(scratch_document.color_profile(color_space_of(document)))
    mask = select(document, 5, 1, 30, 24, feather=2)  # a corner of it, and what lies around
    yield from restored()
    told = facts(document)
    application.action("edit_undo").trigger()
    yield 0.5
    return {"before": before, "icc": icc, "mask": mask, "undone": layers(document), **told}


@scene
def filled_transparency():
    document = yield from photo()
    before, icc = facts(document), dump(scratch_document.color_profile(color_space_of(document)))
    yield from restored()
    told = facts(document)
    document.resizeImage(11, 7, 120, 96)  # nothing of it is transparent then
    document.setActiveNode(document.nodeByName("photo"))
    yield 0.5
    yield from restored()
    choose("deblur")
    return {
        "before": before,
        "icc": icc,
        **told,
        "nothing": said(),
        "left": [one["name"] for one in layers(document)],
    }


@scene
def generated():
    """Restore Photo and Denoise with a model that makes up what was lost."""
    told = {}
    for task in ("restore", "denoise"):
        choose(task, model="diffbir-v2.1")
        dock().choices.form.widgets["steps"].setValue(2)
        dock().choices.form.widgets["prompt"].setText("a clock")
        document = yield from photo("RGBA", "U16", LINEAR)
        before, icc = (
            facts(document),
            dump(scratch_document.color_profile(color_space_of(document))),
        )
        mask = None if task == "restore" else select(document, 41, 37, 40, 30, feather=6)
        with small():
            yield from restored()
        told[task] = {"before": before, "icc": icc, "mask": mask, **facts(document)}
    choose("deblur")
    return told


@scene
def asked():
    """Denoise by a model that is large, and not here: asked for, canceled, then downloaded."""
    docker().setVisible(True)
    docker().raise_()
    choose("denoise", model="auto")
    document = yield from photo()
    told = {}
    with slow():
        dock().run_button.click()
        yield from until(lambda: dock().view.question.isVisible(), 60)
        panel = dock().view
        told["title"], told["about"] = panel.headline.text(), panel.time_left.text()
        buttons = (panel.download_button, panel.decline_button, dock().cancel_button)
        told["buttons"] = [button.text() for button in buttons if button.isVisible()]
        dock().cancel_button.click()
        yield 0.5
        told["canceled"] = [not controller().working, len(layers(document))]
        with open(SETTINGS, encoding="utf-8") as file:
            home = json.load(file)["home"]
        told["sent"] = []
        for name in ("download_button", "decline_button"):
            dock().run_button.click()
            yield from until(lambda: dock().view.question.isVisible(), 60)
            getattr(dock().view, name).click()
            yield from until(lambda: not controller().working)
            yield 0.3
            with open(os.path.join(home, "options.json"), encoding="utf-8") as file:
                told["sent"].append(json.load(file))
    choose("deblur")
    return {**told, **facts(document)}


@scene
def faces_by_mouse():
    docker().setVisible(True)
    docker().raise_()
    choose("face")
    document = yield from photo()
    layer = document.nodeByName("photo")
    for x in NOSES:
        layer.setPixelData(QtCore.QByteArray(b"\x00\x00\xff\xff" * 19 * 19), 11 + x - 9, 46, 19, 19)
    document.refreshProjection()
    document.waitForDone()
    yield 0.4
    before, icc = facts(document), dump(scratch_document.color_profile(color_space_of(document)))
    faces = dock().face_chooser.picker
    told = {"hidden": not faces.isVisible()}
    with small():
        dock().find_button.click()
        yield from until(lambda: not controller().working)
        yield 0.5
        told["found"] = [faces.isVisible(), len(faces.boxes), faces.selected]
        place = faces.box_rect(1).center().toPoint()
        yield from clicked(faces, place)
        told["without"] = faces.selected
        picture("faces.png")
        yield from restored()
    told["restored"] = facts(document)
    with small():
        document.nodeByName("photo").move(3, 2)
        yield 0.3
        dock().close_button.click()
        dock().run_button.click()
        yield 0.1
        told["moved"] = said()
        yield from photo()
        told["forgotten"] = not faces.isVisible()
    choose("deblur")
    return {"before": before, "icc": icc, **told}


@scene
def narrow():
    docker().setVisible(True)
    yield 0.1
    told = {"least": dock().minimumSizeHint().width()}
    told["least height"] = dock().minimumSizeHint().height()
    yield from photo()
    yield from restored()
    told["with_result"] = dock().minimumSizeHint().width()
    told["height with result"] = dock().minimumSizeHint().height()
    told["panel"] = dock().view.minimumSizeHint().width()
    return told


SCENES += MEANWHILE


@scene
def quit_with_a_job():
    yield from photo()
    yield from begun()
    return {}
