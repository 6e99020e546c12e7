"""What came of earlier jobs, until Krita ends: within a limit of memory, by document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional

from .color_space import ColorSpace
from .pixelmend.panel.history import Result
from .pixelmend.wire import Raster

HISTORY_BYTES = 256 * 1024 * 1024  # of pictures; older ones are forgotten


@dataclass(frozen=True)
class StoredResult:
    """A result, and whose it is."""

    result: Result
    document: Any
    raster: Optional[Raster] = None  # where it could not be put into its document
    space: Optional[ColorSpace] = None

    @property
    def size_bytes(self) -> int:
        """How much memory it takes."""
        return self.result.size_bytes + (0 if self.raster is None else len(self.raster.data))


class StoredResults:
    """The results of all documents, the newest first."""

    def __init__(self) -> None:
        self._stored: List[StoredResult] = []
        self._count = 0

    def next_number(self) -> int:
        """Returns a number that no other result has."""
        self._count += 1
        return self._count

    def add(self, stored: StoredResult) -> None:
        """Takes one more; where they become too large, the oldest goes."""
        self._stored.insert(0, stored)
        while sum(one.size_bytes for one in self._stored) > HISTORY_BYTES and len(self._stored) > 1:
            self._stored.pop()

    def remove(self, result: Result) -> None:
        """Forgets one."""
        self._stored = [one for one in self._stored if one.result.number != result.number]

    def find(self, result: Result) -> Optional[StoredResult]:
        """Returns what is stored of a result; None where it was forgotten."""
        return next((one for one in self._stored if one.result.number == result.number), None)

    def results_of(self, document: Any) -> List[Result]:
        """Returns the results of a document, and those that have none any more."""
        return [
            one.result for one in self._stored if one.document == document or one.result.orphaned
        ]
