"""What the engine works on, kept on disk for the engine after one that is killed.

A system that runs short of memory kills without a word, and the same picture, planned as before,
would kill the next engine, too. So who finds the note plans such a picture in half of the memory.
The note says neither which picture it is nor where it lies.
"""

import contextlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from pixelmend.paths import Paths

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unfinished:
    """A job that was being worked on when its engine ended without a word."""

    task: str
    pixels: int
    planned_bytes: int  # that its plan of tiles would take; 0: it was not planned yet


class UnfinishedNote:
    """The note of one engine, and what it has found of the one before."""

    def __init__(self, paths: Paths) -> None:
        self._path = paths.unfinished
        self._now: Unfinished | None = None
        self._before = _read(self._path)
        if self._before is not None:
            logger.warning(
                "the engine before this one was killed at %s of %d pixels, planned with %.2f GB: "
                "such pictures are planned in half of it",
                self._before.task,
                self._before.pixels,
                self._before.planned_bytes / 1e9,
            )

    def most_bytes(self, task: str, pixels: int) -> int | None:
        """Returns what the plan of a picture may take; None: as memory allows."""
        before = self._before
        if before is None or before.task != task or pixels < before.pixels:
            return None
        return before.planned_bytes // 2 or None

    def begin(self, task: str, pixels: int) -> None:
        """Takes note that a job begins."""
        self._write(Unfinished(task, pixels, 0))

    def plan(self, planned_bytes: int) -> None:
        """Takes note of what its plan takes; of several, the most counts."""
        if self._now is not None and planned_bytes > self._now.planned_bytes:
            self._write(Unfinished(self._now.task, self._now.pixels, planned_bytes))

    def end(self) -> None:
        """Takes note that no job is worked on: it ended, however that was, or was canceled."""
        self._now = None
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _write(self, now: Unfinished) -> None:
        # Not synced: the system that kills a process keeps what it wrote.
        self._now = now
        with contextlib.suppress(OSError):
            self._path.write_text(json.dumps(asdict(now)), encoding="utf-8")


def _read(path: Path) -> Unfinished | None:
    try:
        fields = json.loads(path.read_bytes())
        record = Unfinished(str(fields["task"]), fields["pixels"], fields["planned_bytes"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    sizes = (record.pixels, record.planned_bytes)
    return record if all(type(size) is int and 0 <= size < 2**63 for size in sizes) else None
