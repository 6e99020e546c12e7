"""What restores for the command line: the engine's process, which stays warm, or this very one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from pixelmend.client import launch
from pixelmend.wire import Event, Json, Raster
from pixelmend_engine.restoration.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pixelmend.paths import Paths
    from pixelmend_engine.restoration.task_request import Request
    from pixelmend_engine.weights.download.network_settings import Network


KILLED_WITHIN_S = 10.0


class Engine(Protocol):
    """What restores pictures: this process, or the engine's."""

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Listener:
    """How the command line shows what an engine tells of its work."""

    note: Callable[[str], None]  # words for the user
    download: Callable[[str, int, int], None]  # what is downloaded; bytes done, and in all

    def tell(
        self, report: Callable[[int, int], None], phase: str, done: int, total: int, message: str
    ) -> None:
        """Takes what an event says; `report` takes the steps of the picture."""
        if phase == "run" and message:
            self.note(message)
        elif phase == "run":
            report(done, total)
        elif phase == "download":
            self.download(message, done, total)


class RemoteEngine:
    """The engine as the command line sees it; found, or started, with the first picture."""

    def __init__(
        self, paths: Paths, start: launch.Launch, task: str, options: Json, listener: Listener
    ) -> None:
        self._paths = paths
        self._start = start
        self._task = task
        self._options = options
        self._listener = listener
        self._is_waiting_told = False

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""
        # For each picture: the engine may have ended, or have another token, since the last.
        client = launch.find_or_start(
            self._paths, self._start, front_end="the command line", tell=self._tell_of_waiting
        )

        def tell(event: Event) -> None:
            if event.phase == "queued" and event.position > 1:
                before = event.position - 1
                self._listener.note(f"Waiting for the engine: {before} before it in the queue")
            self._listener.tell(report, event.phase, event.done, event.total, event.message)

        return client.restore(raster, self._task, self._options, tell)

    def _tell_of_waiting(self, words: str) -> None:
        if not self._is_waiting_told:
            self._is_waiting_told = True
            self._listener.note(f"{words}. Ctrl-C ends the waiting; --in-process does without")


def end_by_force(paths: Paths) -> bool:
    """Ends the process of an engine that does not answer; returns False where there is none.

    The state file names it; a sandbox has numbers of its own, so its command has to fit.
    """
    state = launch.read_state(paths) or {}
    try:
        process = psutil.Process(int(state.get("pid", -1)))
        if str(paths.home) not in process.cmdline():
            return False
        process.kill()
        process.wait(KILLED_WITHIN_S)
    except (psutil.Error, ValueError, TypeError):
        return False
    return True


class InProcessEngine:
    """The engine as the command line sees it, without a process of its own."""

    def __init__(
        self, request: Request, models_dir: Path, network: Network, listener: Listener
    ) -> None:
        self._request = request
        self._listener = listener
        self._session = Session(models_dir, network)

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""

        def progress(phase: str, done: int, total: int, message: str = "", /) -> None:
            self._listener.tell(report, phase, done, total, message)

        return self._session.run(raster, self._request, progress)
