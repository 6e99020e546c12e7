"""Putting the plug-in into GIMP's profiles, and taking it out again."""

import contextlib
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
START_WITHIN_S = 300.0  # the first start of GIMP asks every plug-in what it does


def folders(computer: Computer) -> list[Path]:
    """Lists the folders of GIMP's profiles, one for each version, of every kind of package.

    Each has a folder for each version of GIMP, such as `3.0`.
    """
    environ, home = computer.environ, computer.home
    if computer.platform == "win32":
        return [Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "GIMP"]
    if computer.platform == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    candidates = [
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP",
        home / ".config" / "GIMP",  # Snap, and Flatpak from 3.2 on
        home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP",  # Flatpak, 3.0
    ]
    return list(dict.fromkeys(candidates))


def profiles(computer: Computer) -> list[Path]:
    """Lists the profiles of GIMP 3 that are there."""
    from_environment = computer.environ.get("GIMP3_DIRECTORY")
    existing = [
        folder
        for base in folders(computer)
        if base.is_dir()
        for folder in sorted(base.iterdir())
        if VERSION.fullmatch(folder.name) and folder.is_dir()
    ]
    return list(dict.fromkeys([*([Path(from_environment)] if from_environment else []), *existing]))


def _programs(computer: Computer) -> list[str]:
    names = ("gimp-console", "gimp-console-3", "gimp", "gimp-3")
    candidates = (shutil.which(name, path=computer.environ.get("PATH")) for name in names)
    return [program for program in candidates if program is not None]


def version(computer: Computer) -> str | None:
    """Asks the GIMP on the path for its version, such as `3.0.4`; None where there is none."""
    for program in _programs(computer):
        try:
            completed = subprocess.run(
                [program, "--version"], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if match := re.search(r"\d+\.\d+(\.\d+)?", completed.stdout):
            return match[0]
    return None


def install_plugin(
    computer: Computer, paths: Paths, launch: Launch, tasks: list[object]
) -> list[Path]:
    """Installs the plug-in into every profile of GIMP 3; returns where it is now.

    Raises:
        EditorMissing: There is no GIMP 3, or its profile can't be written to.
    """
    targets = profiles(computer) or [_first_profile(computer)]
    for profile in targets:
        _have_made(profile, computer)
    return [_install_into(profile, paths, launch, tasks) for profile in targets]


def _first_profile(computer: Computer) -> Path:
    installed_version = version(computer)
    if installed_version is None:
        raise EditorMissing(
            "No GIMP 3 was found on this computer",
            hint="Install it, start it once, and run `pixelmend setup gimp` again",
        )
    if not installed_version.startswith("3."):
        raise EditorMissing(
            f"The GIMP on this computer is version {installed_version}",
            hint="Install GIMP 3; older ones can't load the plug-in",
        )
    return folders(computer)[0] / ".".join(installed_version.split(".")[:2])


def _have_made(profile: Path, computer: Computer) -> None:
    # A folder that is there before GIMP's first start GIMP takes for a profile that it has set up:
    # it would never fill it, nor take over the settings of older versions.
    if profile.is_dir():
        return
    for program in _programs(computer):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [program, "--no-interface", "--quit"],
                env=dict(computer.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=START_WITHIN_S,
                check=False,
            )
        if profile.is_dir():
            return
    raise EditorMissing(
        f"GIMP was never started: it has no profile `{profile}`",
        hint="Start GIMP once, and run `pixelmend setup gimp` again",
    )


def _install_into(profile: Path, paths: Paths, launch: Launch, tasks: list[object]) -> Path:
    target = profile / "plug-ins" / NAME
    with install.replace_folder(target, profile) as new_folder:
        for file in install.sources("gimp", NAME).glob("*.py"):
            shutil.copyfile(file, new_folder / file.name)
        (new_folder / SCRIPT).chmod(0o755)  # what can't be executed GIMP passes over
        install.copy_shared(new_folder, tasks, panel=False)
        install.write_settings(new_folder, PluginInstall(target, SCRIPT, paths, launch))
    os.utime(target / SCRIPT)  # GIMP asks it anew
    return target


def installed(computer: Computer) -> list[Path]:
    """Lists the plug-ins that are installed."""
    plugins = [profile / "plug-ins" / NAME for profile in profiles(computer)]
    return [folder for folder in plugins if folder.is_dir()]


def remove_plugin(computer: Computer) -> list[Path]:
    """Takes the plug-in out of every profile; returns where it was.

    Raises:
        EditorMissing: A folder can't be removed.
    """
    plugins = installed(computer)
    for folder in plugins:
        install.remove(folder)
    return plugins
