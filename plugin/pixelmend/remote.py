"""Restoring in the engine's process, which stays warm for the next command."""

from collections.abc import Callable
from typing import Any

from pixelmend import launch
from pixelmend.client import Client
from pixelmend.paths import Paths
from pixelmend.wire import Event, Json, Raster


class Remote:
    """The engine as the command line sees it; found, or started, with the first picture."""

    def __init__(
        self,
        paths: Paths,
        start: launch.Launch,
        task: str,
        options: Json,
        say: Callable[[str], None],
        transferred: Callable[[str, int, int], None],
    ) -> None:
        self._paths = paths
        self._start = start
        self._task = task
        self._options = options
        self._say = say
        self._transferred = transferred
        self._client: Client | None = None

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""
        if self._client is None:
            self._client = launch.find_or_start(self._paths, self._start)

        def tell(event: Event) -> None:
            if event.phase == "run" and event.message:
                self._say(event.message)
            elif event.phase == "run":
                report(event.done, event.total)
            elif event.phase == "download":
                self._transferred(event.message, event.done, event.total)
            elif event.position > 1:
                self._say(f"Waiting for the engine: {event.position - 1} before it in the queue")

        return self._client.restore(raster, self._task, self._options, tell)
