"""What the user has decided once, for all front ends: kept in the data folder.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from . import data_folder
from .atomic import as_output_failed, atomic_write
from .paths import Paths

ALWAYS, ASK, NEVER = "always", "ask", "never"
DOWNLOADS = (ALWAYS, ASK, NEVER)
UNASKED_BYTES = 200_000_000  # what `auto` may fetch though nobody was asked


@dataclass(frozen=True)
class Preferences:
    """The user's decisions; defaults where nothing was decided."""

    downloads: str = ASK  # what `auto` may fetch unasked; see `presentation/download_question.py`
    # Models that the user does not want to be asked about again.
    declined: frozenset[str] = frozenset()


def read(paths: Paths) -> Preferences:
    """Reads the preferences; a file that is missing or damaged holds none."""
    try:
        content: Any = json.loads(paths.preferences.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Preferences()
    if not isinstance(content, dict):
        return Preferences()
    stored = cast("dict[str, Any]", content)
    downloads, declined = stored.get("downloads"), stored.get("declined")
    return Preferences(
        downloads if downloads in DOWNLOADS else ASK,
        frozenset(model for model in cast("list[Any]", declined) if isinstance(model, str))
        if isinstance(declined, list)
        else frozenset(),
    )


def write(paths: Paths, preferences: Preferences) -> None:
    """Keeps the preferences; makes the data folder if need be.

    Raises:
        OutputFailed: It can't be written.
    """
    path = paths.preferences
    with as_output_failed(path):
        data_folder.make(paths)
    content = {"downloads": preferences.downloads, "declined": sorted(preferences.declined)}
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
