"""Drives Krita from within: plays scenes, and writes what came of them into told.json.

A plug-in of Krita, which the tests install beside ours. A scene is a generator; what it yields
is how many seconds Krita may go on before the next line.
"""

import json
import os
import sys
import time
import traceback

from krita import Extension, Krita

try:
    from PyQt6.QtCore import QTimer
except ImportError:
    from PyQt5.QtCore import QTimer

FOLDER = os.environ.get("PIXELMEND_SCENES")  # absent: Krita is left alone


class Driver(Extension):
    """Begins when the window is there, and ends Krita afterwards."""

    def setup(self):
        self.told = {}
        self.raised = []
        self.resume = 0.0
        sys.excepthook = lambda *error: self.raised.append(
            "".join(traceback.format_exception(*error))
        )
        self.scenes = None
        self.timer = QTimer()
        self.timer.setInterval(20)
        self.timer.timeout.connect(self.step)
        self.timer.start()

    def createActions(self, window):  # noqa: N802
        pass

    def step(self):
        window = Krita.instance().activeWindow()
        if window is None or not window.qwindow().isVisible():
            return
        if self.scenes is None:
            self.scenes = self.play()
            self.resume = time.monotonic() + 0.5
        if time.monotonic() < self.resume:
            return
        self.resume = float("inf")
        try:
            self.resume = time.monotonic() + (next(self.scenes) or 0.0)
        except StopIteration:
            self.end()
        except Exception:
            self.told["raised"] = [traceback.format_exc()]
            self.write()
            self.end()

    def end(self):
        self.timer.stop()
        Krita.instance().action("file_quit").trigger()

    def play(self):
        names = {}
        script = os.path.join(FOLDER, "scenes.py")
        sys.path.insert(0, FOLDER)
        import krita_stage

        with open(script, encoding="utf-8") as file:
            exec(compile(file.read(), script, "exec"), names)
        chosen = os.environ.get("PIXELMEND_ONLY", "").split()
        for scene in names["SCENES"]:
            if chosen and scene.__name__ not in chosen:
                continue
            started = time.monotonic()
            try:
                self.told[scene.__name__] = yield from scene()
            except Exception:
                self.told[scene.__name__] = {"raised": traceback.format_exc()}
            self.told[scene.__name__]["seconds"] = time.monotonic() - started
            self.told["raised"] = self.raised
            self.write()
            if scene.__name__ != names["LAST"]:
                yield from krita_stage.tidy()
        for document in Krita.instance().documents():
            krita_stage.quiet(document)

    def write(self):
        path = os.path.join(FOLDER, "told.json")
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(self.told, file)
        os.replace(path + ".part", path)


if FOLDER:
    Krita.instance().addExtension(Driver(Krita.instance()))
