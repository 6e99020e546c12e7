"""Times how long Krita stands still while 24 megapixels travel; see tests/bench/krita_stalls.py."""

import os
import time

from krita_stage import LINEAR, SRGB, application, docker, slow, until
from pixelmend_krita import results
from pixelmend_krita.controller import controller
from pixelmend_krita.pixelmend.qt import QtCore

WIDTH, HEIGHT = 6000, 4000
RUNS = 3
TICK_MS = 5
KINDS = {
    "8-bit RGBA, 96 MB": ("U8", SRGB, 4),
    "16-bit linear RGBA, 192 MB": ("U16", LINEAR, 8),
}
LAST = "stalls"


class Clock:
    """Ticks as long as Krita answers, and remembers the longest time without a tick."""

    def __init__(self):
        self.longest, self.last = 0.0, time.monotonic()
        self.timer = QtCore.QTimer()
        self.timer.timeout.connect(self.tick)
        self.timer.start(TICK_MS)

    def tick(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    def read(self):
        """Returns the longest time since the last call."""
        self.tick()
        longest, self.longest = self.longest, 0.0
        return longest


def noise(depth, profile, pixel_bytes):
    """Opens a document whose layer can't be packed or skipped."""
    document = application.createDocument(WIDTH, HEIGHT, "noise", "RGBA", depth, profile, 72.0)
    layer = document.rootNode().childNodes()[0]
    rows = QtCore.QByteArray(os.urandom(WIDTH * 64 * pixel_bytes))
    for top in range(0, HEIGHT, 64):
        height = min(64, HEIGHT - top)
        part = rows if height == 64 else rows.left(WIDTH * height * pixel_bytes)
        layer.setPixelData(part, 0, top, WIDTH, height)
    document.refreshProjection()
    application.activeWindow().addView(document)
    yield 3.0
    document.setActiveNode(layer)
    document.waitForDone()
    yield 1.0
    return document


class Arrival:
    """Measures the one call that puts a result into its document apart from all else."""

    def __init__(self, clock):
        self.clock, self.seconds, self.others = clock, 0.0, 0.0
        self.add, results._add = results._add, self

    def __call__(self, *arguments):
        self.others = self.clock.read()
        outcome = self.add(*arguments)
        self.seconds = self.clock.read()
        return outcome


def stalls():
    docker().setVisible(True)
    docker().raise_()
    clock, told = Clock(), {}
    arrival = Arrival(clock)
    for kind, how in KINDS.items():
        document = yield from noise(*how)
        told[kind] = []
        for _ in range(RUNS):
            clock.read()
            yield 1.0
            idle, started = clock.read(), time.monotonic()
            with slow():
                docker().widget().run_button.click()
                yield from until(lambda: not controller().busy)
            seconds = time.monotonic() - started
            yield 1.0  # what Krita puts off until then
            stalls = {"way": arrival.others, "arrival": arrival.seconds, "after": clock.read()}
            told[kind].append({"idle": idle, **stalls, "whole": seconds})
            application.action("edit_undo").trigger()
            yield 2.0
        yield 1.0
        document.setBatchmode(True)
        document.setModified(False)
        document.close()
        yield 1.0
    return {"kinds": told}


SCENES = [stalls]
