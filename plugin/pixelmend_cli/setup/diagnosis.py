"""What every plug-in needs to work, looked at one by one."""

import os
import subprocess
from pathlib import Path

from pixelmend import __version__
from pixelmend.client import launch
from pixelmend.errors import EngineUnavailable
from pixelmend.finding import Finding
from pixelmend.host import host
from pixelmend.presentation import task_cache


def plug_in(folder: Path, again: str) -> list[Finding]:
    """Looks at a plug-in that is there; `again` says how it is installed anew."""
    if _version(folder) != __version__:
        return [Finding("plug-in", f"version {_version(folder)}", again)]
    findings = [Finding("plug-in", f"version {__version__} in {folder}")]
    tasks = [str(task.get("id")) for task in task_cache.read(folder)]
    findings.append(Finding("menu", ", ".join(tasks) or "empty", None if tasks else again))
    try:
        engine = host.read_install(folder)
    except EngineUnavailable as error:
        return [*findings, Finding("engine", error.message, again)]
    return [*findings, _engine(engine, again)]


def _version(folder: Path) -> str:
    try:
        text = (folder / "pixelmend" / "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    return next((part.split('"')[1] for part in text.splitlines() if "__version__ =" in part), "")


def panel(folder: Path) -> list[Finding]:
    """Looks at the window of its own that the panel has beside editors without Qt."""
    try:
        python = host.read_install(folder).launch.python
    except EngineUnavailable:
        return []  # said already
    problem = _problem(python, "pixelmend.panel.__main__")
    hint = f"The menu works without it; `{python} -m pip install pyqt6` brings the window back"
    return [Finding("panel", problem or f"starts with {python}", hint if problem else None)]


def _engine(engine: host.PluginInstall, again: str) -> Finding:
    python = engine.launch.python
    problem = _problem(python, "pixelmend_engine")
    hint = f"Install Pixelmend again. {again}" if problem else None
    return Finding("engine", problem or f"starts with {python}", hint)


def _problem(python: str, module: str) -> str | None:
    try:
        completed = subprocess.run(
            [python, "-I", "-c", f"import {module}"],
            env=launch.clean_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if completed.returncode == 0:
        return None
    return (
        "".join(completed.stderr.strip().splitlines()[-1:]) or f"ended with {completed.returncode}"
    )
