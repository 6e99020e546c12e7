"""Restoring in this very process, which is gone with the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pixelmend_engine.session import Choice, Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from pixelmend_engine.images import Photo


class InProcess:
    """The engine as the command line sees it, without a process of its own."""

    def __init__(self, choice: Choice, models_dir: Path, options: dict[str, Any]) -> None:
        self._choice = choice
        self._options = options
        self._session = Session(models_dir)

    def restore(
        self, photo: Photo, report: Callable[[int, int], None]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Restores one picture; returns its pixels and what there is to say about them."""
        return self._session.restore(self._choice, self._options, photo.pixels, report)
