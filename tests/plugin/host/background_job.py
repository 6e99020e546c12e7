"""Carries a picture to the engine and back on the named binding; prints what happened.

python background_job.py BINDING FOLDER: the folder has a plug-in's settings.
"""

import importlib
import json
import sys
import threading
import time
from pathlib import Path

importlib.import_module(sys.argv[1])

from pixelmend.host import host
from pixelmend.host.background_job import BackgroundJob
from pixelmend.qt import QtCore
from pixelmend.wire import Event, Json, Raster

application = QtCore.QCoreApplication(sys.argv[:1])
engine = host.read_install(Path(sys.argv[2]))
picture = Raster(64, 48, "U8", "RGB", bytes(range(256)) * 36)
threads: set[bool] = set()


def run_job(options: Json, *, cancel: bool = False) -> Json:
    """Runs one job; describes how it went."""
    job = BackgroundJob(engine, "deblur", options, picture)
    phases: list[str] = []
    ended: list[str] = []
    gaps: list[float] = []
    last = [time.monotonic()]

    def on_event(event: Event) -> None:
        threads.add(threading.current_thread() is threading.main_thread())
        phases.append(event.phase)

    def on_finished(how: str) -> None:
        ended.append(how)
        application.quit()

    def tick() -> None:
        now = time.monotonic()
        gaps.append(now - last[0])
        last[0] = now

    job.event_received.connect(on_event)
    job.finished.connect(on_finished)
    timer = QtCore.QTimer()
    timer.timeout.connect(tick)
    timer.start(5)
    if cancel:
        job.cancel()
    job.start()
    application.exec()
    timer.stop()
    return {
        "ended": ended,
        "phases": sorted(set(phases)),
        "width": job.result.width if job.result is not None else None,
        "model": job.facts.get("model"),
        "error": job.error.code if job.error is not None else None,
        "turns": len(gaps),
    }


outcomes = {
    "well": run_job({"seed": 3}),
    "wrong": run_job({"model": "missing"}),
    "canceled": run_job({}, cancel=True),
    "main thread": threads == {True},
}
sys.stdout.write(json.dumps(outcomes))
