"""Puts the docked panel through what it has to do, on the named binding; prints what it shows."""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

importlib.import_module(sys.argv[1])

from pixelmend.errors import OutOfMemory
from pixelmend.panel.docker_panel import Dock, Wish
from pixelmend.panel.face_picker import Box, Faces
from pixelmend.panel.history import Result
from pixelmend.presentation import forms
from pixelmend.qt import Qt, QtGui, QtWidgets
from pixelmend.wire import Event

# The bindings put QTest into different types of modules; it is wanted here alone.
QTest = importlib.import_module(f"{sys.argv[1]}.QtTest").QTest

MODELS = [
    {"id": "large", "title": "Large", "weights": "missing", "size_bytes": 1_400_000_000},
    {"id": "small", "title": "Small", "weights": "bundled"},
]
MODEL = {"type": "string", "default": "auto", "title": "Model"}
STRENGTH = {"type": "number", "minimum": 0, "maximum": 1, "default": 1.0, "title": "Strength"}
STEPS = {"type": "integer", "minimum": 1, "default": 10, "title": "Steps", "models": ["large"]}
OFFLINE = {"type": "boolean", "default": False, "title": "Offline", "advanced": True}
SCALE = {"anyOf": [{"const": "auto"}], "examples": [2, 4], "default": "auto", "title": "Scale"}


def task(name: str, **properties: object) -> dict[str, Any]:
    """Describes a task as the engine does."""
    options = {"properties": {"model": MODEL, "strength": STRENGTH, **properties}}
    titles = {"title": name.title(), "result": f"{name.title()}ed"}
    return {"id": name, **titles, "models": MODELS, "options": options}


TASKS = [task("deblur", steps=STEPS, offline=OFFLINE), task("upscale", scale=SCALE)]
CHOSEN = {"type": "string", "default": "all", "title": "Faces"}
FINDS = {"task": "find-faces", "options": ["min_size", "offline"], "chooses": "faces"}
FACE = {**task("face", faces=CHOSEN, offline=OFFLINE), "finds": FINDS}


def plain(name: str) -> QtGui.QImage:
    """Makes a picture of one color."""
    image = QtGui.QImage(300, 200, QtGui.QImage.Format.Format_RGBA8888)
    image.fill(QtGui.QColor(name))
    return image


def result(number: int, *, homeless: bool = False) -> Result:
    """Makes a result."""
    notes = ("It is gone",) if homeless else ()
    return Result(number, f"Deblured {number}", plain("red"), plain("blue"), notes, homeless)


def say(name: str, value: object) -> None:
    """Prints one line for the test."""
    sys.stdout.write(f"{name}={json.dumps(value)}\n")


def gone(dock: Dock) -> bool:
    """Whether there is no panel in it."""
    return dock.panel is None


def no_icon(name: str) -> QtGui.QIcon:
    """Stands for the host's icons."""
    asked.append(name)
    return QtGui.QIcon()


application = QtWidgets.QApplication(sys.argv[:1])
asked: list[str] = []
dock = Dock(no_icon)
dock.resize(250, 800)
dock.show_tasks(TASKS, {})
dock.show()
heard: list[object] = []


def hear(wish: Wish) -> None:
    """Takes note of what is wanted."""
    heard.append(wish.to_json())


dock.wanted.connect(hear)
changes: list[dict[str, Any]] = []
dock.changed.connect(changes.append)
say("tasks", [dock.task.itemText(row) for row in range(dock.task.count())])
say("about", dock.about.text())
model, strength = dock.form.widgets["model"], dock.form.widgets["strength"]
assert isinstance(model, QtWidgets.QComboBox)
assert isinstance(strength, QtWidgets.QDoubleSpinBox)
model.setCurrentIndex(model.findData("small"))
say("about small", dock.about.text())
say("steps of small", dock.form.widgets["steps"].isVisible())
strength.setValue(0.5)
say("changed", changes[-1])
say("offline folded", dock.form.widgets["offline"].isVisible())
dock.form.more.click()
say("offline unfolded", dock.form.widgets["offline"].isVisible())
say("larger", "place" in dock.form.widgets)
QTest.mouseClick(dock.run, Qt.MouseButton.LeftButton)
say("wanted", heard[-1])
dock.start("upscale")
say("started", heard[-1])
say("larger of upscale", "place" in dock.form.widgets)

again = Dock(no_icon)
again.show_tasks(TASKS, changes[-1])
again.task.setCurrentIndex(0)
wish = again.wish()
say("remembered", None if wish is None else wish.options)

ended: list[str] = []
dock.canceled.connect(lambda: ended.append("canceled"))
dock.show_work(MODELS[0])
dock.show_event(Event(1, "run", 5, 10))
assert dock.panel is not None
say("working", [dock.run.isVisible(), dock.panel.headline.text(), dock.panel.bar.value()])
dock.start(None)
say("only one", len(heard))
dock.panel.stop.click()
application.processEvents()
say("canceled", [ended, gone(dock)])
dock.show_end(None)
say("after cancel", dock.run.isVisible())

dock.show_work(None)
dock.show_error(OutOfMemory("It is full", hint="Close other programs"), "report this")
say("error", [dock.panel.headline.text(), dock.panel.hint.text()])
dock.panel.stop.click()
say("error closed", [gone(dock), ended])

dock.show_work(None)
dock.show_history([result(1)])
dock.show_end(result(1))
application.processEvents()
say("result", [dock.panel.headline.text(), dock.panel.compare.isVisible(), dock.width()])
lowest = max(one.geometry().bottom() for one in (dock.panel.whole, dock.panel.original))
say("nothing overlaps", dock.panel.views.height() > lowest)
say("least width", dock.minimumSizeHint().width())
dock.resize(250, 400)
say("low", dock.choices.isVisible())
dock.show_history([result(2, homeless=True), result(1)])
chosen = dock.history.current()
say("newest", None if chosen is None else chosen.number)
told: list[object] = []


def tell(word: str) -> Callable[[Result], None]:
    """Takes note of a result that something is wanted of."""
    return lambda one: told.append(f"{word} {one.number}")


dock.reopened.connect(tell("open"))
dock.dropped.connect(tell("drop"))
say("homeless", dock.history.reopen.isVisible())
dock.history.reopen.click()
dock.history.list.setCurrentRow(1)
say("at home", dock.history.reopen.isVisible())
dock.history.drop.click()
say("told", told)
dock.history.list.itemClicked.emit(dock.history.list.item(1))
say("opened", dock.panel.headline.text())
dock.show_history([])
say("no history", dock.history.isVisible())

before = len(asked)
palette = dock.palette()
palette.setColor(palette.ColorRole.Window, QtGui.QColor("black"))
dock.setPalette(palette)
application.processEvents()
say("icons follow the theme", len(asked) > before)
dock.resize(250, 900)
nameless = [one.objectName() for one in (dock.task, dock.source) if not one.accessibleName()]
nameless += [name for name, one in dock.form.widgets.items() if not one.accessibleName()]
say("nameless", nameless)
missing = Dock(no_icon, "It is not installed")
missing.show()
say("missing", [missing.missing.isVisible(), missing.missing.text(), missing.run.isVisible()])
say("fields", [field.name for field in forms.fields(TASKS[0])])

faces = Faces()
faces.resize(320, 240)
faces.show_faces(plain("gray"), [Box(30, 30, 60, 60), Box(45, 45, 20, 20), Box(5, 5, 1, 1)], 600)
faces.show()
application.processEvents()
say("all chosen", faces.chosen)
seen: list[list[int]] = []
faces.changed.connect(seen.append)
left, keep = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
QTest.mouseClick(faces, left, keep, faces.place(1).center().toPoint())
say("the smaller one", faces.chosen)
QTest.mouseClick(faces, left, keep, faces.place(2).center().toPoint())
say("a tiny one", faces.chosen)
QTest.keyClick(faces, Qt.Key.Key_Right)
QTest.keyClick(faces, Qt.Key.Key_Space)
say("by key", faces.chosen)
QTest.keyClick(faces, Qt.Key.Key_A)
QTest.keyClick(faces, Qt.Key.Key_A)
say("all or none", seen[-2:])
place = faces.place(0)
say("place", [round(v) for v in (place.left(), place.top(), place.width(), place.height())])
image = faces.grab().toImage()
drawn = QtGui.QColor(image.pixel(round(place.left()), round(place.center().y()))).name()
say("drawn", drawn != QtGui.QColor("gray").name())

whose = Dock(no_icon)
whose.resize(250, 800)
whose.show_tasks([FACE, *TASKS], {"options": {"face": {"faces": "7"}}})
whose.show()
whose.wanted.connect(hear)
whose.finding.connect(hear)
say("fields of faces", list(whose.form.widgets))
whose.chooser.search.click()
say("finding", heard[-1])
whose.show_work(None)
whose.show_faces(plain("gray"), [Box(30, 30, 60, 60), Box(150, 45, 90, 90)], 300)
application.processEvents()
say("found", [gone(whose), whose.chooser.faces.isVisible(), whose.minimumSizeHint().width()])
whose.start(None)
say("all of them", heard[-1])
place = whose.chooser.faces.place(1).center().toPoint()
QTest.mouseClick(whose.chooser.faces, left, keep, place)
whose.start(None)
say("one of them", heard[-1])
QTest.keyClick(whose.chooser.faces, Qt.Key.Key_Space)
QTest.mouseClick(whose.chooser.faces, left, keep, whose.chooser.faces.place(0).center().toPoint())
QTest.mouseClick(whose.chooser.faces, left, keep, place)
say("none of them", whose.run.isEnabled())
whose.chooser.forget()
say("forgotten", [whose.chooser.faces.isVisible(), whose.run.isEnabled()])
whose.task.setCurrentIndex(1)
say("faces of deblur", whose.chooser.isVisible())
