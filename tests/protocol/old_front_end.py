"""A front end of release 0.1 at work with whichever engine runs; prints what it met.

python old_front_end.py FOLDER HOME PLUG_IN PYTHON: the folder has that release's modules, which are
asked for by name alone, because ours lie elsewhere; PYTHON stands for the engine's.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

release, home, plug_in, python = map(Path, sys.argv[1:])
sys.path.insert(0, str(release))
errors, host, launch, panels, paths, tasks, wire = (
    importlib.import_module(f"pixelmend.{name}")
    for name in ("errors", "host", "launch", "panel_process", "paths", "tasklist", "wire")
)
assert Path(str(host.__file__)).is_relative_to(release)
PICTURE = wire.Raster(8, 9, "U8", "RGB", bytes(range(216)), color_profile=b"a profile")


class Editor:
    """A host of that release: five functions."""

    def __init__(self, *, cancels: bool = False) -> None:
        self.met: dict[str, Any] = {"phases": [], "error": None, "result": None}
        self._cancels = cancels

    def read(self) -> Any:
        return PICTURE

    def write(self, raster: Any, facts: dict[str, Any]) -> None:
        same = bytes(raster.data) == PICTURE.data and raster.color_profile == b"a profile"
        self.met["result"] = [same, facts]

    def progress(self, event: Any) -> None:
        self.met["phases"].append(event.phase)

    def canceled(self) -> bool:
        return self._cancels and "run" in self.met["phases"]

    def tell(self, error: Any) -> None:
        self.met["error"] = [error.code, error.message, error.hint]


def job(options: dict[str, Any], *, cancels: bool = False) -> dict[str, Any]:
    """Has a picture restored; describes what the user met."""
    editor = Editor(cancels=cancels)
    outcome = host.restore(editor, engine, "deblur", options)
    phases = list(dict.fromkeys(editor.met["phases"]))
    return {**editor.met, "phases": phases, "outcome": outcome}


def panel() -> dict[str, Any]:
    """Shows a job in the panel, and takes it away again."""
    look = panels.Look("Deblur", plug_in / "locale")
    shown = panels.PanelProcess(str(python), look, home / "panel.log")
    shown.show_model({"title": "HI-Diff", "weights": "missing", "size_bytes": 10}, home)
    shown.show(wire.Event(1, "run", 1, 2, seconds_left=30.0))
    shown.show_notes(["a face changed"])
    shown.show_picture("before", 2, 1, iter([b"12345678"]))
    shown.show_picture("after", 2, 1, iter([b"12345678"]))
    shown.close()
    process = shown._process
    return {"exit": process.wait(timeout=60), "failed": shown.failed, "log": log_of_panel()}


def log_of_panel() -> str:
    """What the panel complained of."""
    return (home / "panel.log").read_text(encoding="utf-8")


engine = host.installed(plug_in)
running = launch.find(engine.paths)
began = time.monotonic()
found = launch.find_or_start(engine.paths, engine.launch)
told = {
    "the running one": found.port == running.port,
    "tasks": [task["id"] for task in running.tasks()],
    "well": job({"seed": 3}),
    "failed": job({"seed": 13}),
    "canceled": job({}, cancels=True),
    "menu": [task["id"] for task in tasks.read(plug_in)],
    "settings": engine.to_json(),
    "panel": panel(),
}
sys.stdout.write(json.dumps(told))
