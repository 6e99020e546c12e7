"""Where things lie in the user's home. Runs on Python 3.9, standard library only: hosts load it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping


@dataclass(frozen=True)
class Paths:
    """The user's data directory, and what is in it."""

    home: Path

    @property
    def state(self) -> Path:
        """Where a running engine says how it is reached. Readable by the user alone."""
        return self.home / "engine.json"

    @property
    def lock(self) -> Path:
        """Held by the one engine of this user."""
        return self.home / "engine.lock"

    @property
    def log(self) -> Path:
        """What the engine logs; older parts have a number behind the name."""
        return self.home / "engine.log"

    @property
    def start_log(self) -> Path:
        """What the engine's process says outside of its log: why it does not start."""
        return self.home / "engine.start"

    @property
    def front_end_log(self) -> Path:
        """What nobody expected of a command or a plug-in."""
        return self.home / "front-end.log"

    @property
    def panel_log(self) -> Path:
        """What the panel's last process said."""
        return self.home / "panel.log"

    @property
    def unfinished(self) -> Path:
        """What a running engine works on; left behind by one that was killed."""
        return self.home / "unfinished.json"

    @property
    def spool(self) -> Path:
        """Pictures that wait and do not fit into memory; emptied at start and end."""
        return self.home / "spool"

    @property
    def preferences(self) -> Path:
        """What the user has decided once; see `preferences`."""
        return self.home / "preferences.json"

    @property
    def models(self) -> Path:
        """One folder for each model's weights."""
        return self.home / "models"


def resolve(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Paths:
    """Finds the user's data directory where nobody has recorded it for a host.

    `PIXELMEND_HOME`, or else where platformdirs, which hosts do not have, finds it as well.
    """
    environ = os.environ if environ is None else environ
    if environ.get("PIXELMEND_HOME"):
        # Absolute, because the engine has another current folder.
        return Paths(Path(os.path.abspath(Path(environ["PIXELMEND_HOME"]).expanduser())))
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return Paths(base / "pixelmend")
