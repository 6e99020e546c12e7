"""Putting the plug-ins into the editors' profiles, and taking them out again."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pixelmend import catalogues, host, phrases, tasklist
from pixelmend.errors import EditorMissing
from pixelmend.launch import Launch
from pixelmend.paths import Paths

NAME = "pixelmend-restore"  # of the folder and of the script: GIMP wants them to be the same
SCRIPT = f"{NAME}.py"
VERSION = re.compile(r"3\.\d+")
MODULES = (  # of this package; the host's own Python loads them
    "__init__",
    "client",
    "errors",
    "forms",
    "host",
    "launch",
    "panel_process",
    "paths",
    "phrases",
    "selection",
    "tasklist",
    "wire",
)


@dataclass(frozen=True, kw_only=True)
class Computer:
    """Where to look for editors."""

    environ: Mapping[str, str]
    platform: str = sys.platform
    home: Path = dataclasses.field(default_factory=Path.home)


def gimp_folders(computer: Computer) -> list[Path]:
    """Lists the folders of GIMP's profiles, one for each version, of every kind of package.

    Each has a folder for each version of GIMP, such as `3.0`.
    """
    environ, home = computer.environ, computer.home
    if computer.platform == "win32":
        return [Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "GIMP"]
    if computer.platform == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    folders = [
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP",
        home / ".config" / "GIMP",  # Snap, and Flatpak from 3.2 on
        home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP",  # Flatpak, 3.0
    ]
    return list(dict.fromkeys(folders))


def gimp_profiles(computer: Computer) -> list[Path]:
    """Lists the profiles of GIMP 3 that are there."""
    named = computer.environ.get("GIMP3_DIRECTORY")
    found = [
        folder
        for base in gimp_folders(computer)
        if base.is_dir()
        for folder in sorted(base.iterdir())
        if VERSION.fullmatch(folder.name) and folder.is_dir()
    ]
    return list(dict.fromkeys([*([Path(named)] if named else []), *found]))


def gimp_version(computer: Computer) -> str | None:
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
        if version := re.search(r"\d+\.\d+(\.\d+)?", told.stdout):
            return version[0]
    return None


def install(computer: Computer, paths: Paths, launch: Launch, tasks: list[object]) -> list[Path]:
    """Installs the plug-in into every profile of GIMP 3; returns where it is now.

    Raises:
        EditorMissing: There is no GIMP 3, or its profile can't be written to.
    """
    profiles = gimp_profiles(computer) or [_first_profile(computer)]
    return [_install(profile, paths, launch, tasks) for profile in profiles]


def _first_profile(computer: Computer) -> Path:
    version = gimp_version(computer)
    if version is None:
        raise EditorMissing(
            "No GIMP 3 was found on this computer",
            hint="Install it, start it once, and run `pixelmend setup gimp` again",
        )
    if not version.startswith("3."):
        raise EditorMissing(
            f"The GIMP on this computer is version {version}",
            hint="Install GIMP 3; older ones can't load the plug-in",
        )
    return gimp_folders(computer)[0] / ".".join(version.split(".")[:2])


def _install(profile: Path, paths: Paths, launch: Launch, tasks: list[object]) -> Path:
    target = profile / "plug-ins" / NAME
    # Made beside, so that GIMP never finds half of it.
    made = profile / f"{NAME}.part"
    try:
        shutil.rmtree(made, ignore_errors=True)
        (made / "pixelmend").mkdir(parents=True)
        for file in _sources():
            shutil.copyfile(file, made / file.name)
        for module in MODULES:
            shutil.copyfile(Path(__file__).parent / f"{module}.py", _module(made, module))
        (made / SCRIPT).chmod(0o755)  # what can't be executed GIMP passes over
        catalogues.write(made / "locale", phrases.DOMAIN)
        (made / tasklist.NAME).write_text(json.dumps(tasks, indent=1), encoding="utf-8")
        settings = host.Installed(target, SCRIPT, paths, launch).to_json()
        (made / host.SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        made.replace(target)
        os.utime(target / SCRIPT)  # GIMP asks it anew
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise EditorMissing(
            f"The plug-in can't be written ({error.strerror}): `{target}`",
            hint="Make the folder writable for you, and try again",
        ) from error
    return target


def _module(folder: Path, name: str) -> Path:
    return folder / "pixelmend" / f"{name}.py"


def _sources() -> Iterator[Path]:
    # In a wheel the script lies in this package; in a checkout, where people look for it.
    packaged = Path(__file__).parent / "gimp"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[2] / "gimp" / NAME
    return folder.glob("*.py")


def installed(computer: Computer) -> list[Path]:
    """Lists the plug-ins that are installed."""
    folders = [profile / "plug-ins" / NAME for profile in gimp_profiles(computer)]
    return [folder for folder in folders if folder.is_dir()]


def remove(computer: Computer) -> list[Path]:
    """Takes the plug-in out of every profile; returns where it was.

    Raises:
        EditorMissing: A folder can't be removed.
    """
    folders = installed(computer)
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise EditorMissing(
                f"The plug-in can't be removed ({error.strerror}): `{folder}`",
                hint="Remove the folder yourself",
            ) from error
    return folders
