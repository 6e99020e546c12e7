"""What restores for the command line: the engine's process, which stays warm, or this very one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.wire import Event, Json, Raster
from pixelmend_engine.restoration.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pixelmend.paths import Paths
    from pixelmend_engine.restoration.model_choice import ModelChoice
    from pixelmend_engine.weights.download.network_settings import Network


class Engine(Protocol):
    """What restores pictures: this process, or the engine's."""

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""
        ...


class Remote:
    """The engine as the command line sees it; found, or started, with the first picture."""

    def __init__(
        self,
        paths: Paths,
        start: launch.Launch,
        task: str,
        options: Json,
        say: Callable[[str], None],
        download_progress: Callable[[str, int, int], None],
    ) -> None:
        self._paths = paths
        self._start = start
        self._task = task
        self._options = options
        self._say = say
        self._download_progress = download_progress
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
                self._download_progress(event.message, event.done, event.total)
            elif event.position > 1:
                self._say(f"Waiting for the engine: {event.position - 1} before it in the queue")

        return self._client.restore(raster, self._task, self._options, tell)


class Finder:
    """Finds faces, as the command line's engine that restores nothing."""

    def __init__(
        self,
        models_dir: Path,
        options: dict[str, Any],
        network: Network,
        download_progress: Callable[[str, int, int], None],
    ) -> None:
        self._options = options
        self._download_progress = download_progress
        self._session = Session(models_dir, network)

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Finds the faces of one picture; returns it with them marked, and the list."""
        del report  # there are no steps
        return self._session.find_faces(self._options, raster, self._download_progress)


class InProcess:
    """The engine as the command line sees it, without a process of its own."""

    def __init__(
        self,
        choice: ModelChoice,
        models_dir: Path,
        options: dict[str, Any],
        network: Network,
        download_progress: Callable[[str, int, int], None],
    ) -> None:
        self._choice = choice
        self._options = options
        self._download_progress = download_progress
        self._session = Session(models_dir, network)

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""
        provided = self._session.ensure_weights(
            self._choice, self._download_progress, offline=self._options["offline"]
        )
        return self._session.restore(self._choice, self._options, raster, report, provided)
