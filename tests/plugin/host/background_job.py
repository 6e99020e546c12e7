"""Carries a picture to the engine and back on the named binding; prints what happened.

python errand.py BINDING FOLDER: the folder has a plug-in's settings.
"""

import importlib
import json
import sys
import threading
import time
from pathlib import Path

importlib.import_module(sys.argv[1])

from pixelmend.host import host
from pixelmend.host.background_job import Errand
from pixelmend.qt import QtCore
from pixelmend.wire import Event, Json, Raster

application = QtCore.QCoreApplication(sys.argv[:1])
engine = host.installed(Path(sys.argv[2]))
picture = Raster(64, 48, "U8", "RGB", bytes(range(256)) * 36)
threads: set[bool] = set()


def carried(options: Json, *, cancel: bool = False) -> Json:
    """Does one errand; describes how it went."""
    errand = Errand(engine, "deblur", options, picture)
    phases: list[str] = []
    ended: list[str] = []
    gaps: list[float] = []
    last = [time.monotonic()]

    def news(event: Event) -> None:
        threads.add(threading.current_thread() is threading.main_thread())
        phases.append(event.phase)

    def end(how: str) -> None:
        ended.append(how)
        application.quit()

    def tick() -> None:
        now = time.monotonic()
        gaps.append(now - last[0])
        last[0] = now

    errand.news.connect(news)
    errand.ended.connect(end)
    timer = QtCore.QTimer()
    timer.timeout.connect(tick)
    timer.start(5)
    if cancel:
        errand.cancel()
    errand.start()
    application.exec()
    timer.stop()
    return {
        "ended": ended,
        "phases": sorted(set(phases)),
        "width": errand.result.width if errand.result is not None else None,
        "model": errand.facts.get("model"),
        "error": errand.error.code if errand.error is not None else None,
        "turns": len(gaps),
    }


told = {
    "well": carried({"seed": 3}),
    "wrong": carried({"model": "missing"}),
    "canceled": carried({}, cancel=True),
    "main thread": threads == {True},
}
sys.stdout.write(json.dumps(told))
