"""Krita on that computer, with the docker as `pixelmend setup krita` installs it."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from described import Layer
from machine import INSIDE, Machine

from pixelmend.host.selection import binarized
from pixelmend.wire import Raster

SAMPLES = {"u8": "U8", "u16": "U16", "half": "F16", "float": "F32"}
RESOURCES = Path(".local") / "share" / "krita"
DOCKER = RESOURCES / "pykrita" / "pixelmend_krita"
SETTINGS = Path(".config") / "kritarc"
IMPORTER = "/usr/share/krita/pykrita/plugin_importer/plugin_importer.py"
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
    (user.user / RESOURCES / "pykrita").mkdir(parents=True)
    (user.user / ".config").mkdir()
    setup = user.pixelmend("setup", "krita")
    assert setup.returncode == 0, setup.stderr
    drive(user)


def import_zip(user: Machine) -> str:
    """Has Krita's own importer install the docker, and what drives it; returns what it printed."""
    (user.user / RESOURCES / "pykrita").mkdir(parents=True)
    (user.user / ".config").mkdir()
    archive = user.user / "pixelmend-krita.zip"
    setup = user.pixelmend("setup", "krita", "--zip", str(archive))
    assert setup.returncode == 0, setup.stderr
    imported = user.run("/usr/bin/python3", IMPORTER, str(archive), str(user.user / RESOURCES))
    assert imported.returncode == 0, imported.stderr
    # As the user does in the manager of Python plug-ins.
    (user.user / SETTINGS).write_text("[python]\nenable_pixelmend_krita=true\n", encoding="utf-8")
    drive(user)
    return imported.stdout


def drive(user: Machine) -> None:
    """Installs what drives Krita from within."""
    plug_ins = user.user / RESOURCES / "pykrita"
    shutil.copyfile(INSIDE / f"{DRIVER}.py", plug_ins / f"{DRIVER}.py")
    (plug_ins / f"{DRIVER}.desktop").write_text(DESKTOP, encoding="utf-8")
    settings = user.user / SETTINGS
    text = settings.read_text(encoding="utf-8")
    enabled = text.replace("[python]\n", f"[python]\nenable_{DRIVER}=true\n")
    settings.write_text(enabled, encoding="utf-8")


def raster(
    layer: Layer, profile: bytes, place: tuple[slice, slice], mask: np.ndarray | None = None
) -> Raster:
    """Makes the picture that the docker has to send for these rows and columns of a layer."""
    part = np.ascontiguousarray(layer.pixels[place])
    kind = layer["kind"]
    color = "BGRA" if kind in ("u8", "u16") else "RGBA"
    return Raster(
        width=part.shape[1],
        height=part.shape[0],
        sample_type=SAMPLES[kind],
        channels="YA" if layer["model"] == "GRAYA" else color,
        data=part.tobytes(),
        mask=None if mask is None else binarized(mask[place].tobytes()),
        color_profile=profile,
    )


def start(
    user: Machine, folder: Path, scenes: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts Krita, which plays the scenes and ends; what came of them will be in `folder`."""
    shutil.copyfile(scenes, folder / "scenes.py")
    for module in ("krita_meanwhile", "krita_properties", "krita_stage", "plugin_settings"):
        shutil.copyfile(INSIDE / f"{module}.py", folder / f"{module}.py")
    command = ["sh", str(INSIDE / "krita.sh"), str(folder)]
    known = {"PIXELMEND_SCENES": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(user.enter(command, {**known, **(environ or {})}))


def play(
    user: Machine, folder: Path, scenes: Path, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
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
