"""The way of a job in any host. A host is six functions; what they do with models is decided here.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from .. import data_folder
from ..client.launch import Launch, find_or_start
from ..errors import Canceled, EngineUnavailable, PixelmendError
from ..paths import Paths, resolve
from ..presentation import download_question, task_cache
from ..presentation.download_question import DownloadQuestion
from ..wire import Event, Json, Raster

SETTINGS = "settings.json"  # beside the plug-in; `pixelmend setup` writes it

DONE, CANCELED, FAILED = "done", "canceled", "failed"


class Host(Protocol):
    """One picture in an editor. All six are called in the thread that called `restore`."""

    def read(self) -> Raster:
        """Takes the pixels out; raises `PixelmendError` where they can't be restored."""
        ...

    def write(self, raster: Raster, facts: Json) -> None:
        """Takes the result, and what the engine says about it; it is whole."""
        ...

    def progress(self, event: Event) -> None:
        """Shows how far the job is."""
        ...

    def canceled(self) -> bool:
        """Whether the user wants no more of it; asked several times a second."""
        ...

    def ask(self, question: DownloadQuestion) -> bool | None:
        """Asks whether a large model may be downloaded; None where nobody can answer."""
        ...

    def show_error(self, error: PixelmendError) -> None:
        """Shows an error, as the user reads it."""
        ...


@dataclass(frozen=True)
class PluginInstall:
    """What `pixelmend setup` has written beside a plug-in: where the engine is."""

    folder: Path  # the plug-in's own
    entry: str  # the file that the host looks at
    paths: Paths
    launch: Launch

    def to_json(self) -> Json:
        """Describes it as the settings file has it."""
        return {
            "entry": self.entry,
            "python": self.launch.python,
            "home": str(self.paths.home),
            "models": str(self.launch.models),
            "release_after_s": self.launch.release_after_s,
            "exit_after_s": self.launch.exit_after_s,
        }


def read_install(folder: Path) -> PluginInstall:
    """Reads what `pixelmend setup` has written.

    Raises:
        EngineUnavailable: It is missing or damaged.
    """
    try:
        fields = cast("dict[str, Any]", json.loads(_settings(folder).read_text(encoding="utf-8")))
        launch = Launch(
            python=_native(fields["python"]),
            models=Path(_native(fields["models"])),
            release_after_s=fields["release_after_s"],
            exit_after_s=fields["exit_after_s"],
        )
        return PluginInstall(folder, fields["entry"], Paths(Path(_native(fields["home"]))), launch)
    except (AttributeError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EngineUnavailable(
            "The plug-in does not know where Pixelmend is installed",
            hint="Run `pixelmend setup` in a terminal",
        ) from error


def _settings(folder: Path) -> Path:
    # A plug-in that came in a file knows nothing of this computer; `setup` leaves word for it.
    beside = folder / SETTINGS
    return beside if beside.is_file() else resolve().home / SETTINGS


def _native(path: str) -> str:
    # Krita's Python may think that names of files are ASCII: it has other names for all others.
    return os.fsdecode(path.encode("utf-8", errors="surrogateescape"))


def restore(
    host: Host, engine: PluginInstall, task: str, options: Json, front_end: str = ""
) -> str:
    """Restores one picture; returns how that ended: `DONE`, `CANCELED` or `FAILED`.

    `front_end` is the editor's name, for others that wait for the engine.

    In the last case the user has been told why. The host's `write` is called once, or not at all.
    """

    def check_canceled() -> None:
        if host.canceled():
            raise Canceled("You canceled it", hint="Start it again")

    def wait(seconds: float) -> None:
        time.sleep(seconds)
        check_canceled()

    try:
        raster = host.read()  # first: the user may go on painting
        host.progress(Event(0, "queued"))
        client = find_or_start(
            engine.paths,
            engine.launch,
            wait,
            front_end=front_end,
            tell=lambda words: host.progress(Event(0, "queued", message=words)),
        )
        tasks = client.tasks()
        task_cache.refresh(engine.folder, tasks, engine.entry)
        described = next((one for one in tasks if one["id"] == task), None)
        if described is not None:  # what finds faces is no task of a menu
            decided = download_question.decide(described, options, engine.paths, host.ask)
            if decided is None:
                return CANCELED
            options = decided
        result, facts = client.restore(raster, task, options, host.progress, check_canceled)
        check_canceled()
        host.write(result, facts)
    except Canceled as error:
        if host.canceled():
            return CANCELED
        host.show_error(error)  # somebody else did it
        return FAILED
    except PixelmendError as error:
        host.show_error(error)
        return FAILED
    except Exception as error:  # noqa: BLE001 - a door: the host would show the user nothing
        host.show_error(unexpected_error(error, engine.paths))
        return FAILED
    return DONE


def details(
    error: PixelmendError, engine: PluginInstall, editor: str, task: str, options: Json
) -> str:
    """Says what a report should have: nothing of the picture, nothing secret."""
    lines = [
        f"{error.code}: {error.message}",
        error.hint,
        f"task: {task}",
        f"options: {options}",
        editor,
        f"log: {engine.paths.log}",
    ]
    return "\n".join(lines)


def unexpected_error(error: Exception, paths: Paths) -> PixelmendError:
    """Writes what nobody expected into the log; returns what the user is told."""
    log = data_folder.report(paths, error)
    return PixelmendError(
        "The plug-in failed for a reason that nobody expected",
        hint=f"Please report it; `{log}` shows what happened",
    )
