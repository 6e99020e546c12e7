"""Why *Filters > Restore* may be missing in GIMP, looked at one by one."""

import os
import subprocess
from pathlib import Path

from pixelmend import __version__, host, install, launch, tasklist
from pixelmend.errors import EngineUnavailable
from pixelmend.install import Computer
from pixelmend_engine.doctor import Finding

AGAIN = "Run `pixelmend setup gimp`, and start GIMP anew"


def gimp(computer: Computer) -> list[Finding]:
    """Looks at GIMP, its profiles and the plug-in in each."""
    version = install.gimp_version(computer)
    profiles = install.gimp_profiles(computer)
    findings = [Finding("gimp", version or "not on the path (which a bundle need not be)")]
    if version is not None and not version.startswith("3."):
        findings = [Finding("gimp", version, "Install GIMP 3; older ones can't load the plug-in")]
    if not profiles:
        where = ", ".join(map(str, install.gimp_folders(computer)))
        return [*findings, Finding("profiles", f"none in {where}", f"Start GIMP once. {AGAIN}")]
    for profile in profiles:
        findings += _profile(profile, computer)
    return findings


def _profile(profile: Path, computer: Computer) -> list[Finding]:
    folder = profile / "plug-ins" / install.NAME
    script = folder / install.SCRIPT
    findings = [Finding("profile", str(profile))]
    if not script.is_file():
        return [*findings, Finding("plug-in", f"missing: {folder}", AGAIN)]
    if computer.platform != "win32" and not os.access(script, os.X_OK):
        return [*findings, Finding("plug-in", f"not executable: {script}", AGAIN)]
    if _version(folder) != __version__:
        return [*findings, Finding("plug-in", f"version {_version(folder)}", AGAIN)]
    findings.append(Finding("plug-in", f"version {__version__} in {folder}"))
    tasks = [str(task.get("id")) for task in tasklist.read(folder)]
    findings.append(Finding("menu", ", ".join(tasks) or "empty", None if tasks else AGAIN))
    try:
        engine = host.installed(folder)
    except EngineUnavailable as error:
        return [*findings, Finding("engine", error.message, AGAIN)]
    return [*findings, *_engine(engine), _registered(profile, script)]


def _version(folder: Path) -> str:
    try:
        text = (folder / "pixelmend" / "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    return next((part.split('"')[1] for part in text.splitlines() if "__version__ =" in part), "")


def _engine(engine: host.Installed) -> list[Finding]:
    python = engine.launch.python
    findings: list[Finding] = []
    for name, module in (("engine", "pixelmend_engine"), ("panel", "pixelmend.panel")):
        try:
            tried = subprocess.run(
                [python, "-I", "-c", f"import {module}"],
                env=launch.clean(os.environ),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            words = tried.stderr.strip().splitlines()[-1:] if tried.returncode else []
        except (OSError, subprocess.TimeoutExpired) as error:
            words = [str(error)]
        hint = f"Install Pixelmend again. {AGAIN}" if words else None
        findings.append(Finding(name, words[0] if words else f"starts with {python}", hint))
    return findings


def _registered(profile: Path, script: Path) -> Finding:
    # What GIMP found at its last start; it asks again where a script is newer.
    try:
        seen = (profile / "pluginrc").stat().st_mtime
        text = (profile / "pluginrc").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Finding("registered", "not yet: GIMP was not started since")
    if install.SCRIPT in text:
        return Finding("registered", "yes")
    if seen < script.stat().st_mtime:
        return Finding("registered", "not yet: GIMP was not started since")
    return Finding(
        "registered",
        "no: GIMP passed over the plug-in",
        "Start GIMP from a terminal and look at what it says; does it have Python plug-ins?",
    )
