"""Puts the docked panel through what it has to do, on the named binding; prints what it shows."""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

importlib.import_module(sys.argv[1])

from pixelmend.errors import OutOfMemory
from pixelmend.panel.docker_panel import DockerPanel
from pixelmend.panel.face_picker import FaceBox, FacePicker
from pixelmend.panel.history import Result
from pixelmend.panel.task_choices import RestoreRequest
from pixelmend.presentation import forms
from pixelmend.qt import Qt, QtCore, QtGui, QtWidgets
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


def result(number: int, *, orphaned: bool = False) -> Result:
    """Makes a result."""
    notes = ("It is gone",) if orphaned else ()
    return Result(number, f"Deblured {number}", plain("red"), plain("blue"), notes, orphaned)


def say(name: str, value: object) -> None:
    """Prints one line for the test."""
    sys.stdout.write(f"{name}={json.dumps(value)}\n")


def gone(dock: DockerPanel) -> bool:
    """Whether there is no job in it."""
    return dock.view is None


def no_icon(name: str) -> QtGui.QIcon:
    """Stands for the host's icons."""
    icons_asked_for.append(name)
    return QtGui.QIcon()


application = QtWidgets.QApplication(sys.argv[:1])
icons_asked_for: list[str] = []
dock = DockerPanel(no_icon)
dock.resize(250, 800)
dock.show_tasks(TASKS, {})
dock.show()
requests: list[object] = []


def hear(request: RestoreRequest) -> None:
    """Takes note of what is requested."""
    requests.append(request.to_json())


dock.restore_requested.connect(hear)
changes: list[dict[str, Any]] = []
dock.choices_changed.connect(changes.append)
say("tasks", [dock.choices.task.itemText(row) for row in range(dock.choices.task.count())])
say("about", dock.choices.model_label.text())
model, strength = dock.choices.form.widgets["model"], dock.choices.form.widgets["strength"]
assert isinstance(model, QtWidgets.QComboBox)
assert isinstance(strength, QtWidgets.QDoubleSpinBox)
model.setCurrentIndex(model.findData("small"))
say("about small", dock.choices.model_label.text())
say("steps of small", dock.choices.form.widgets["steps"].isVisible())
strength.setValue(0.5)
say("changed", changes[-1])
say("offline folded", dock.choices.form.widgets["offline"].isVisible())
dock.choices.form.more.click()
say("offline unfolded", dock.choices.form.widgets["offline"].isVisible())
say("larger result", "place" in dock.choices.form.widgets)
QTest.mouseClick(dock.run_button, Qt.MouseButton.LeftButton)
say("requested", requests[-1])
dock.start("upscale")
say("started", requests[-1])
say("larger of upscale", "place" in dock.choices.form.widgets)

again = DockerPanel(no_icon)
again.show_tasks(TASKS, changes[-1])
again.choices.task.setCurrentIndex(0)
request = again.request()
say("remembered", None if request is None else request.options)

ended: list[str] = []
dock.canceled.connect(lambda: ended.append("canceled"))
dock.show_work(MODELS[0])
dock.show_event(Event(1, "run", 5, 10))
assert dock.view is not None
say(
    "working",
    [dock.cancel_button.isVisible(), dock.view.headline.text(), dock.view.progress_bar.value()],
)
dock.start(None)
say("another", len(requests))
dock.cancel_button.click()
application.processEvents()
say("canceled", ended)
dock.show_end(None)
say("after cancel", [gone(dock), dock.run_button.isVisible(), dock.cancel_button.isVisible()])

dock.show_work(None)
dock.show_error(OutOfMemory("It is full", hint="Close other programs"), "report this")
say("error", [dock.view.headline.text(), dock.view.hint.text()])
dock.close_button.click()
say("error closed", [gone(dock), ended])

dock.show_work(None)
dock.show_history([result(1)])
dock.show_end(result(1))
application.processEvents()
say("result", [dock.view.headline.text(), dock.view.compare.isVisible(), dock.width()])
lowest = max(one.geometry().bottom() for one in (dock.view.fit_button, dock.view.original_button))
say("nothing overlaps", dock.view.views.height() > lowest)
say("least width", dock.minimumSizeHint().width())
dock.resize(250, 200)
dock.show_result(result(1))
application.processEvents()
application.processEvents()
area = dock.scroll_area.viewport()
assert area is not None
top = dock.view.mapTo(area, dock.view.rect().topLeft()).y()
say("low", [dock.minimumSizeHint().height(), 0 <= top < area.height()])
dock.show_history([result(2, orphaned=True), result(1)])
item = dock.history.list.item(0)
assert item is not None
modes = (QtGui.QIcon.Mode.Normal, QtGui.QIcon.Mode.Selected)
looks = [item.icon().pixmap(QtCore.QSize(56, 56), mode).toImage() for mode in modes]
say("not tinted", bool(looks[0] == looks[1]))  # pyright: ignore[reportUnknownArgumentType]
chosen = dock.history.current()
say("newest", None if chosen is None else chosen.number)
emitted: list[object] = []


def tell(word: str) -> Callable[[Result], None]:
    """Takes note of a result that something is wanted of."""
    return lambda one: emitted.append(f"{word} {one.number}")


dock.document_requested.connect(tell("open"))
dock.removal_requested.connect(tell("drop"))
say("orphaned", dock.history.open_button.isVisible())
dock.history.open_button.click()
dock.history.list.setCurrentRow(1)
say("at home", dock.history.open_button.isVisible())
dock.history.forget_button.click()
say("emitted", emitted)
dock.history.list.itemClicked.emit(dock.history.list.item(1))
say("opened", dock.view.headline.text())
dock.show_history([])
say("no history", dock.history.isVisible())

before = len(icons_asked_for)
palette = dock.palette()
palette.setColor(palette.ColorRole.Window, QtGui.QColor("black"))
dock.setPalette(palette)
application.processEvents()
say("icons follow the theme", len(icons_asked_for) > before)
dock.resize(250, 900)
nameless = [
    one.objectName() for one in (dock.choices.task, dock.choices.source) if not one.accessibleName()
]
nameless += [name for name, one in dock.choices.form.widgets.items() if not one.accessibleName()]
say("nameless", nameless)
missing = DockerPanel(no_icon, "It is not installed")
missing.show()
say(
    "missing",
    [
        missing.missing_label.isVisible(),
        missing.missing_label.text(),
        missing.run_button.isVisible(),
    ],
)
say("fields", [field.name for field in forms.fields(TASKS[0])])

faces = FacePicker()
faces.resize(320, 240)
faces.show_faces(
    plain("gray"), [FaceBox(30, 30, 60, 60), FaceBox(45, 45, 20, 20), FaceBox(5, 5, 1, 1)], 600
)
faces.show()
application.processEvents()
say("all chosen", faces.selected)
selections: list[list[int]] = []
faces.changed.connect(lambda: selections.append(faces.selected))
left, keep = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
QTest.mouseClick(faces, left, keep, faces.box_rect(1).center().toPoint())
say("the smaller one", faces.selected)
QTest.mouseClick(faces, left, keep, faces.box_rect(2).center().toPoint())
say("a tiny one", faces.selected)
QTest.keyClick(faces, Qt.Key.Key_Right)
QTest.keyClick(faces, Qt.Key.Key_Space)
say("by key", faces.selected)
QTest.keyClick(faces, Qt.Key.Key_A)
QTest.keyClick(faces, Qt.Key.Key_A)
say("all or none", selections[-2:])
place = faces.box_rect(0)
say("place", [round(v) for v in (place.left(), place.top(), place.width(), place.height())])
tiny = faces.box_rect(2)
say("easy to hit", min(tiny.width(), tiny.height()))
image = faces.grab().toImage()
drawn = QtGui.QColor(image.pixel(round(place.left()), round(place.center().y()))).name()
say("drawn", drawn != QtGui.QColor("gray").name())

whose = DockerPanel(no_icon)
whose.resize(250, 800)
whose.show_tasks([FACE, *TASKS], {"options": {"face": {"faces": "7"}}})
whose.show()
whose.restore_requested.connect(hear)
whose.detection_requested.connect(hear)
say("fields of faces", list(whose.choices.form.widgets))
whose.find_button.click()
say("detection", requests[-1])
whose.show_work(None)
whose.show_end(None)
whose.resize(250, 260)
whose.show_faces(plain("gray"), [FaceBox(30, 30, 60, 60), FaceBox(150, 45, 90, 90)], 300)
for _ in range(2):
    application.processEvents()
area = whose.scroll_area.viewport()
assert area is not None
top = whose.face_chooser.mapTo(area, whose.face_chooser.rect().topLeft()).y()
say("faces seen", 0 <= top < area.height())
whose.resize(250, 800)
application.processEvents()
say("detected", [gone(whose), whose.face_chooser.isVisible(), whose.minimumSizeHint().width()])
whose.start(None)
say("all of them", requests[-1])
place = whose.face_chooser.picker.box_rect(1).center().toPoint()
QTest.mouseClick(whose.face_chooser.picker, left, keep, place)
whose.start(None)
say("one of them", requests[-1])
say("counted", whose.face_chooser.count_label.text())
small = whose.face_chooser.picker.picture_rect().width()
whose.face_chooser.larger_button.click()
say("larger", round(whose.face_chooser.picker.picture_rect().width() / small, 2))
whose.face_chooser.smaller_button.click()
say("smaller", round(whose.face_chooser.picker.picture_rect().width() / small, 2))
whose.face_chooser.none_button.click()
none = whose.face_chooser.count_label.text()
whose.face_chooser.all_button.click()
say("all and none", [none, whose.face_chooser.option])
place = whose.face_chooser.picker.box_rect(1).center().toPoint()
QTest.mouseClick(whose.face_chooser.picker, left, keep, place)
QTest.keyClick(whose.face_chooser.picker, Qt.Key.Key_Space)
QTest.mouseClick(
    whose.face_chooser.picker, left, keep, whose.face_chooser.picker.box_rect(0).center().toPoint()
)
QTest.mouseClick(whose.face_chooser.picker, left, keep, place)
say("none of them", whose.run_button.isEnabled())
whose.face_chooser.clear()
say("forgotten", [whose.face_chooser.isVisible(), whose.run_button.isEnabled()])
whose.choices.task.setCurrentIndex(1)
say("faces of deblur", [whose.find_button.isVisible(), whose.face_chooser.isVisible()])
