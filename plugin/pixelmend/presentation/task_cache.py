"""What the engine can do, as a file beside a plug-in: its menu is there before any engine runs.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import cast

from ..atomic import atomic_write_text
from ..wire import Json

NAME = "tasks.json"


def read(folder: Path) -> list[Json]:
    """Reads the tasks that were written last; none where the file is missing or damaged."""
    try:
        tasks = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []  # `pixelmend doctor` says so
    return cast("list[Json]", tasks) if isinstance(tasks, list) else []


def write(folder: Path, tasks: list[Json]) -> None:
    """Writes the tasks, all of them or none."""
    atomic_write_text(folder / NAME, json.dumps(tasks, indent=1))


def refresh(folder: Path, tasks: list[Json], entry: str) -> bool:
    """Takes note of what the engine reports now; returns whether it is new.

    `entry` is the file whose time makes the host ask the plug-in anew, at its next start.
    """
    if tasks == read(folder):
        return False
    with contextlib.suppress(OSError):  # where we may not write, the menu stays as it is
        write(folder, tasks)
        os.utime(folder / entry)
    return True
