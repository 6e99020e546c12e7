"""Restoring in this very process, which is gone with the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pixelmend_engine.session import Choice, Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pixelmend.wire import Raster
    from pixelmend_engine.network import Network


class Finder:
    """Finds faces, as the command line's engine that restores nothing."""

    def __init__(
        self,
        models_dir: Path,
        options: dict[str, Any],
        network: Network,
        transferred: Callable[[str, int, int], None],
    ) -> None:
        self._options = options
        self._transferred = transferred
        self._session = Session(models_dir, network)

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Finds the faces of one picture; returns it with them marked, and the list."""
        del report  # there are no steps
        return self._session.find_faces(self._options, raster, self._transferred)


class InProcess:
    """The engine as the command line sees it, without a process of its own."""

    def __init__(
        self,
        choice: Choice,
        models_dir: Path,
        options: dict[str, Any],
        network: Network,
        transferred: Callable[[str, int, int], None],
    ) -> None:
        self._choice = choice
        self._options = options
        self._transferred = transferred
        self._session = Session(models_dir, network)

    def restore(
        self, raster: Raster, report: Callable[[int, int], None]
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; returns it and what there is to say about it."""
        provided = self._session.provide(
            self._choice, self._transferred, offline=self._options["offline"]
        )
        return self._session.restore(self._choice, self._options, raster, report, provided)
