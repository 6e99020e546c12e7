"""Putting the plug-in into GIMP's profiles, and taking it out again."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from pixelmend.client.launch import Launch
from pixelmend.errors import EditorMissing
from pixelmend.host.host import PluginInstall
from pixelmend.paths import Paths
from pixelmend_cli.setup import install
from pixelmend_cli.setup.install import Computer

NAME = "pixelmend-restore"  # of the folder and of the script: GIMP wants them to be the same
SCRIPT = f"{NAME}.py"
VERSION = re.compile(r"3\.\d+")


def folders(computer: Computer) -> list[Path]:
    """Lists the folders of GIMP's profiles, one for each version, of every kind of package.

    Each has a folder for each version of GIMP, such as `3.0`.
    """
    environ, home = computer.environ, computer.home
    if computer.platform == "win32":
        return [Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "GIMP"]
    if computer.platform == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    found = [
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP",
        home / ".config" / "GIMP",  # Snap, and Flatpak from 3.2 on
        home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP",  # Flatpak, 3.0
    ]
    return list(dict.fromkeys(found))


def profiles(computer: Computer) -> list[Path]:
    """Lists the profiles of GIMP 3 that are there."""
    named = computer.environ.get("GIMP3_DIRECTORY")
    found = [
        folder
        for base in folders(computer)
        if base.is_dir()
        for folder in sorted(base.iterdir())
        if VERSION.fullmatch(folder.name) and folder.is_dir()
    ]
    return list(dict.fromkeys([*([Path(named)] if named else []), *found]))


def version(computer: Computer) -> str | None:
    """Asks the GIMP on the path for its version, such as `3.0.4`; None where there is none."""
    for name in ("gimp-console", "gimp-console-3", "gimp", "gimp-3"):
        program = shutil.which(name, path=computer.environ.get("PATH"))
        if program is None:
            continue
        try:
            told = subprocess.run(
                [program, "--version"], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if found := re.search(r"\d+\.\d+(\.\d+)?", told.stdout):
            return found[0]
    return None


def put(computer: Computer, paths: Paths, launch: Launch, tasks: list[object]) -> list[Path]:
    """Installs the plug-in into every profile of GIMP 3; returns where it is now.

    Raises:
        EditorMissing: There is no GIMP 3, or its profile can't be written to.
    """
    found = profiles(computer) or [_first_profile(computer)]
    return [_put(profile, paths, launch, tasks) for profile in found]


def _first_profile(computer: Computer) -> Path:
    found = version(computer)
    if found is None:
        raise EditorMissing(
            "No GIMP 3 was found on this computer",
            hint="Install it, start it once, and run `pixelmend setup gimp` again",
        )
    if not found.startswith("3."):
        raise EditorMissing(
            f"The GIMP on this computer is version {found}",
            hint="Install GIMP 3; older ones can't load the plug-in",
        )
    return folders(computer)[0] / ".".join(found.split(".")[:2])


def _put(profile: Path, paths: Paths, launch: Launch, tasks: list[object]) -> Path:
    target = profile / "plug-ins" / NAME
    with install.replaced(target, profile) as made:
        for file in install.sources("gimp", NAME).glob("*.py"):
            shutil.copyfile(file, made / file.name)
        (made / SCRIPT).chmod(0o755)  # what can't be executed GIMP passes over
        install.fill(made, tasks, panel=False)
        install.describe(made, PluginInstall(target, SCRIPT, paths, launch))
    os.utime(target / SCRIPT)  # GIMP asks it anew
    return target


def installed(computer: Computer) -> list[Path]:
    """Lists the plug-ins that are installed."""
    found = [profile / "plug-ins" / NAME for profile in profiles(computer)]
    return [folder for folder in found if folder.is_dir()]


def remove(computer: Computer) -> list[Path]:
    """Takes the plug-in out of every profile; returns where it was.

    Raises:
        EditorMissing: A folder can't be removed.
    """
    found = installed(computer)
    for folder in found:
        install.remove(folder)
    return found
