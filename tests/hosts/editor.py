"""Krita on that computer, with the docker as `pixelmend setup krita` installs it."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from machine import INSIDE, Machine

RESOURCES = Path(".local") / "share" / "krita"
DOCKER = RESOURCES / "pykrita" / "pixelmend_krita"
SETTINGS = Path(".config") / "kritarc"
DRIVER = "pixelmend_driver"
DESKTOP = f"""\
[Desktop Entry]
Type=Service
ServiceTypes=Krita/PythonPlugin
X-KDE-Library={DRIVER}
X-Python-2-Compatible=false
Name=Driver
Comment=Plays the scenes of the tests
"""
TIMEOUT_S = 900.0


def install(user: Machine) -> None:
    """Installs the docker, and what drives Krita from within."""
    plug_ins = user.user / RESOURCES / "pykrita"
    plug_ins.mkdir(parents=True)
    (user.user / ".config").mkdir()
    setup = user.pixelmend("setup", "krita")
    assert setup.returncode == 0, setup.stderr
    shutil.copyfile(INSIDE / f"{DRIVER}.py", plug_ins / f"{DRIVER}.py")
    (plug_ins / f"{DRIVER}.desktop").write_text(DESKTOP, encoding="utf-8")
    settings = user.user / SETTINGS
    text = settings.read_text(encoding="utf-8")
    enabled = text.replace("[python]\n", f"[python]\nenable_{DRIVER}=true\n")
    settings.write_text(enabled, encoding="utf-8")


def start(
    user: Machine, folder: Path, scenes: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts Krita, which plays the scenes and ends; what came of them will be in `folder`."""
    shutil.copyfile(scenes, folder / "scenes.py")
    shutil.copyfile(INSIDE / "krita_stage.py", folder / "krita_stage.py")
    command = ["sh", str(INSIDE / "krita.sh"), str(folder)]
    known = {"PIXELMEND_SCENES": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(user.enter(command, {**known, **(environ or {})}))


def play(
    user: Machine, folder: Path, scenes: Path, environ: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Plays scenes; returns what came of them."""
    process = start(user, folder, scenes, environ)
    try:
        process.wait(timeout=TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
    told = folder / "told.json"
    log = (folder / "krita.log").read_text(encoding="utf-8", errors="replace")
    assert told.is_file(), log
    return json.loads(told.read_text(encoding="utf-8"))
