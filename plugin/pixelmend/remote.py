"""Restoring in the engine's process, which stays warm for the next command."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pixelmend import launch
from pixelmend.client import Client
from pixelmend.paths import Paths
from pixelmend.wire import Event, Json, Raster
from pixelmend_engine.images import Photo


class Remote:
    """The engine as the command line sees it; found, or started, with the first picture."""

    def __init__(
        self,
        paths: Paths,
        start: launch.Launch,
        task: str,
        options: Json,
        say: Callable[[str], None],
    ) -> None:
        self._paths = paths
        self._start = start
        self._task = task
        self._options = options
        self._say = say
        self._client: Client | None = None

    def restore(
        self, photo: Photo, report: Callable[[int, int], None]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Restores one picture; returns its pixels and what there is to say about them."""
        if self._client is None:
            self._client = launch.find_or_start(self._paths, self._start)
        height, width, _ = photo.pixels.shape
        data = np.ascontiguousarray(photo.pixels).data.cast("B")
        raster = Raster(width=width, height=height, samples="U8", channels="RGB", data=data)

        def tell(event: Event) -> None:
            if event.phase == "run":
                report(event.done, event.total)
            elif event.position > 1:
                self._say(f"Waiting for the engine: {event.position - 1} before it in the queue")

        result, facts = self._client.restore(raster, self._task, self._options, tell)
        return np.frombuffer(result.data, np.uint8).reshape(height, width, 3), facts
