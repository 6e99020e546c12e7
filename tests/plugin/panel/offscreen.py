"""Puts the panel through what it has to do, on the binding that is named; prints what it shows."""

import importlib
import sys

importlib.import_module(sys.argv[1])

from pixelmend import qt
from pixelmend.errors import OutOfMemory
from pixelmend.panel.job_view import JobView
from pixelmend.panel.job_window import JobWindow
from pixelmend.qt import Qt, QtGui, QtWidgets
from pixelmend.wire import Event

# The bindings put QTest into different types of modules; it is wanted here alone.
QTest = importlib.import_module(f"{sys.argv[1]}.QtTest").QTest


class Clock:
    """A clock that stands until somebody moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(panel: JobView) -> str:
    """Says what is seen left and right of the middle."""
    image = panel.compare.grab().toImage()
    middle = image.height() // 3  # above the divider's grip
    places = (image.width() // 3, image.width() * 2 // 3)
    colors = [QtGui.QColor(image.pixel(x, middle)) for x in places]
    return " ".join("red" if color.red() > color.blue() else "blue" for color in colors)


def plain(name: str) -> QtGui.QImage:
    """Makes a picture of one color."""
    image = QtGui.QImage(640, 480, QtGui.QImage.Format.Format_RGBA8888)
    image.fill(QtGui.QColor(name))
    return image


def recorded(panel: JobWindow) -> list[str]:
    """Returns a list that fills with what the panel emits."""
    emitted: list[str] = []
    panel.canceled.connect(lambda: emitted.append("canceled"))
    panel.closed.connect(lambda: emitted.append("closed"))
    return emitted


def say(name: str, value: object) -> None:
    """Prints one line for the test."""
    sys.stdout.write(f"{name}={value}\n")


application = QtWidgets.QApplication(sys.argv[:1])
clock = Clock()
say("binding", qt.QtWidgets.QWidget.__module__)

window = JobWindow(clock)
panel = window.view
window.show()
panel.show_event(Event(1, "load"))
state = "busy" if panel.progress_bar.maximum() == 0 else panel.progress_bar.value()
say("loading", f"{panel.headline.text()}|{state}|{panel.time_left.text()}")
panel.show_event(Event(2, "run", 7, 20, seconds_left=42))
say("running", f"{panel.headline.text()}|{panel.progress_bar.value()}|{panel.time_left.text()}")
panel.show_event(Event(2, "run", 7, 20, message="This takes about 3 minutes"))
panel.show_event(Event(2, "run", 8, 20, seconds_left=42))
say("estimate", f"{panel.time_left.text()}|{panel.hint.isVisible()}|{panel.hint.text()}")
panel.show_event(Event(3, "download", 10_000_000, 96_000_000))
clock.now += 2
panel.show_event(Event(4, "download", 30_000_000, 96_000_000, seconds_left=29))
say("downloading", panel.time_left.text())
facts = {"title": "HI-Diff GoPro", "weights": "missing", "size_bytes": 96_000_000}
panel.show_model({**facts, "license": "Apache-2.0", "source": "the authors", "folder": "/models"})
say("model", panel.model.text().replace("\n", "|"))
emitted = recorded(window)
window.close()
say("closed", " ".join(emitted))

window = JobWindow()
panel = window.view
window.show()
emitted = recorded(window)
QTest.keyClick(window, Qt.Key.Key_Escape)
say("escape", " ".join(emitted))

window = JobWindow()
panel = window.view
window.show()
panel.show_pictures(plain("red"), plain("blue"))
panel.show_event(Event(1, "run", 0, 20, message="This takes about 3 minutes"))
panel.show_event(Event(1, "done"))
application.processEvents()
focus = ["compare" if panel.compare.hasFocus() else "nothing"]
visible = f"compare={panel.compare.isVisible()} bar={panel.progress_bar.isVisible()}"
say("done", f"{visible} stop={window.close_button.text()}")
panel.show_notes(["1/2 a face changed"])
panel.show_notes(["1/2 a face changed", "2/2 another"])
say("notes", f"{panel.hint.isVisible()} {panel.hint.text()}".replace("\n", "; "))
say("halves", shown(panel))
QTest.keyClick(panel.compare, Qt.Key.Key_Right)
say("key moves", round(panel.compare.divider, 2))
QTest.keyPress(panel.compare, Qt.Key.Key_Space)
say("held", shown(panel))
QTest.keyRelease(panel.compare, Qt.Key.Key_Space)
area = panel.compare.picture_rect()
place = area.topLeft().toPoint()
place.setX(round(area.left() + area.width() / 4))
place.setY(round(area.top() + 10))
QTest.mouseClick(panel.compare, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
say("mouse moves", round(panel.compare.divider, 2))
QTest.mouseClick(panel.actual_size_button, Qt.MouseButton.LeftButton)
width = panel.compare.picture_rect().width() * panel.compare.devicePixelRatioF()
say("zoom", f"{panel.compare.actual_size} {panel.actual_size_button.isChecked()} {width}")
emitted = recorded(window)
window.close()
say("done closed", " ".join(emitted))

window = JobWindow()
panel = window.view
window.show()
panel.show_error(OutOfMemory("It is full", hint="Close other programs"), "report this")
application.processEvents()
focus.append("close" if window.close_button.hasFocus() else "nothing")
say("focus", " ".join(focus))
copied = panel.copy_button.isVisible()
panel.copy_button.click()
clipboard = qt.QtGui.QGuiApplication.clipboard()
text = "" if clipboard is None else clipboard.text()
say("error", f"{panel.headline.text()}|{panel.hint.text()}|copy={copied}|{text}")
buttons = [
    panel.fit_button,
    panel.actual_size_button,
    panel.original_button,
    panel.details_button,
    panel.copy_button,
    window.close_button,
]
nameless = [repr(one) for one in buttons if not one.text()]
others = [panel.progress_bar, panel.compare, panel.details]
say("nameless", "".join(nameless + [repr(one) for one in others if not one.accessibleName()]))
