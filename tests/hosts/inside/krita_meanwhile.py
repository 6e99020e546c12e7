"""What Krita's user does while a job runs, and what comes of it; see krita_scenes.py.

Runs in Krita's own Python. The engine changes nothing, so that any change is the plug-in's.
"""

import subprocess

from krita import Node
from krita_stage import (
    CANVAS,
    HEIGHT,
    WIDTH,
    application,
    begun,
    dock,
    docker,
    dump,
    facts,
    folder,
    history,
    layers,
    photo,
    settings,
    slow,
    until,
)
from pixelmend_krita import pointer, results
from pixelmend_krita.controller import controller
from pixelmend_krita.pixelmend.qt import QtCore, QtWidgets

LASSO = "KisToolSelectOutline"
BRUSH = "KritaShape/KisToolBrush"


def canvas():
    """The widget that a document is painted in."""
    window = application.activeWindow().qwindow()
    views = window.findChildren(QtWidgets.QWidget)
    seen = [one for one in views if one.metaObject().className() == "KisOpenGLCanvas2"]
    return next(one for one in seen if one.isVisible())


def xdotool(*command):
    subprocess.run(["xdotool", *map(str, command)], check=True)


def pointed(across, down, *command):
    """Goes to a place on the canvas with the mouse of the screen."""
    center = canvas().mapToGlobal(canvas().rect().center())
    xdotool("mousemove", center.x() + across, center.y() + down, *command)


def focus():
    widget = QtWidgets.QApplication.focusWidget()
    return widget and widget.metaObject().className()


def names(document):
    return [node.name() for node in document.rootNode().childNodes()]


def shown():
    """Tells what is seen of a job in the docker."""
    return dock().view and dock().view.headline.text()


def keyboard():
    """Escape and Space, after a result and after an error."""
    docker().setVisible(True)
    docker().raise_()
    yield from photo()
    canvas().setFocus()
    told = {"before": focus()}
    place = dock().run_button.mapToGlobal(dock().run_button.rect().center())
    with slow():
        xdotool("mousemove", place.x(), place.y(), "click", "1")
        yield from until(lambda: controller().working, 30)
    told["clicked"] = focus()
    yield from until(lambda: not controller().busy)
    yield 0.3
    told["result"] = [focus(), shown()]
    xdotool("key", "Escape", "key", "space")
    yield 0.5
    told["after keys"] = [focus(), shown()]
    with settings(python="/nowhere/python", home=f"{folder}/nowhere"):
        application.action("pixelmend_restore").trigger()
        yield from until(lambda: not controller().busy)
    yield 0.3
    told["error"] = [focus(), shown()]
    xdotool("key", "space", "key", "Escape")
    yield 0.5
    told["error after keys"] = [focus(), shown()]
    return told


def lasso():
    """A lasso that is being drawn when the result is there."""
    document = yield from photo()
    application.action(LASSO).trigger()
    yield 0.3
    yield from begun()
    pointed(-40, -40, "mousedown", 1)
    for place in ((40, -40), (40, 40)):
        pointed(*place)
        yield 0.2
    yield from until(lambda: "stop drawing" in (shown() or ""))
    yield 0.5
    told = {"held": names(document)}
    pointed(-40, 40, "mouseup", 1)
    yield from until(lambda: not controller().busy)
    yield 0.5
    told["selected"] = document.selection() is not None
    told["released"] = [one["name"] for one in layers(document)]
    application.action(BRUSH).trigger()
    document.setSelection(None)
    yield 0.3
    return told


def stylus():
    """A stylus, of which Qt's buttons of the mouse know nothing."""
    yield from photo()
    handle = application.activeWindow().qwindow().windowHandle()
    watched = pointer.watch()
    told = [pointer.is_down()]
    kinds = QtCore.QEvent.Type
    for kind in (kinds.TabletPress, kinds.TabletRelease):
        watched.eventFilter(handle, QtCore.QEvent(kind))
        told.append(pointer.is_down())
    return {"down": told}


def turned():
    """Mirrored and turned while the job runs: the picture, and the layer alone."""
    told = {}
    for action in ("mirrorImageHorizontal", "rotateImage180", "rotateImageCW90", "mirrorNodeY"):
        document = yield from photo()
        yield from begun()
        application.action(action).trigger()
        yield from until(lambda: not controller().busy)
        yield 0.5
        told[action] = facts(document)
    return told


def canceled_late():
    """Canceled when the result waits for the mouse, and when Krita is putting it in."""
    document = yield from photo()
    yield from begun()
    pointed(0, 0, "mousedown", 2)
    yield from until(lambda: "stop drawing" in (shown() or ""))
    dock().cancel_button.click()
    pointed(0, 0, "mouseup", 2)
    yield 1.0
    told = {"waiting": names(document)}
    add = results._add  # in the middle of which Krita may handle a click

    def clicked(*arguments):
        outcome = add(*arguments)
        dock().cancel_button.click()
        return outcome

    results._add = clicked
    with slow():
        dock().run_button.click()
    yield from until(lambda: not controller().busy)
    results._add = add
    yield 1.0
    told["arriving"] = names(document)
    told["undo"] = history()[-2:]
    told["shown"] = shown()
    return told


def queued():
    """A second one of another document, while the first runs; then back to the first."""
    first = yield from photo()
    window = application.activeWindow()
    area = window.qwindow().findChild(QtWidgets.QMdiArea)
    first_view, listed = area.activeSubWindow(), len(dock().history.results)
    yield from begun()
    second = yield from photo()
    with slow():
        dock().run_button.click()
    told = {"notice": dock().notice.text(), "waiting": len(controller().waiting)}
    yield from until(lambda: len(first.rootNode().childNodes()) > 2)
    yield 0.3
    told["other result"] = [shown(), len(dock().history.results) - listed]
    yield from until(lambda: not controller().busy)
    yield 0.3
    told["names"] = [names(one) for one in (first, second)]
    told["own result"] = [shown(), len(dock().history.results) - listed]
    of_second = dock().view
    area.setActiveSubWindow(first_view)
    yield from until(lambda: application.activeDocument() == first, 30)
    yield 0.3
    told["back"] = [shown(), dock().view is not of_second]
    return told


def snapshot():
    """Painted over right after the click."""
    document = yield from photo()
    layer = document.nodeByName("photo")
    before = dump(layer.pixelData(0, 0, *CANVAS))
    with slow():
        dock().run_button.click()
        black = QtCore.QByteArray(b"\0\0\0\xff" * (WIDTH * HEIGHT // 2))
        layer.setPixelData(black, 11, 7, WIDTH, HEIGHT // 2)
        yield from until(lambda: not controller().busy)
    yield 0.3
    told = facts(document)
    document = yield from photo()
    dock().choices.source.setCurrentIndex(1)
    merged = dump(document.pixelData(0, 0, *CANVAS))
    with slow():
        dock().run_button.click()
        document.nodeByName("photo").setPixelData(black, 11, 7, WIDTH, HEIGHT // 2)
        document.refreshProjection()
        yield from until(lambda: not controller().busy)
    dock().choices.source.setCurrentIndex(0)
    yield 0.3
    told["merged result"] = facts(document)
    return {**told, "before": before, "merged before": merged}


def refused_layer():
    """Krita takes no new layer, after all the work."""
    document = yield from photo()
    add = Node.addChildNode
    yield from begun()
    Node.addChildNode = lambda *_: False
    yield from until(lambda: not controller().busy)
    Node.addChildNode = add
    yield 0.3
    told = facts(document)
    others = len(application.documents())
    dock().history.open_button.click()
    yield from until(lambda: len(application.documents()) > others)
    yield 0.5
    return told


MEANWHILE = [
    keyboard,
    lasso,
    stylus,
    turned,
    canceled_late,
    queued,
    snapshot,
    refused_layer,
]
