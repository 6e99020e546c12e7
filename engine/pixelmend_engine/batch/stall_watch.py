"""Which pictures of a worker get no further: a hang is known by what does not happen."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MIN_TIMEOUT_S = 20 * 60.0  # as long as weights may come from a slow disk, or a block may take
MIN_BYTES_PER_S = 100_000  # of the slowest network that is waited for
MIN_SILENCE_S = 60.0  # of a worker as a whole, which may be busy starting
CHECK_S = 5.0
MAX_GAP_S = 60.0  # between checks; more, and all of the process or the computer stood still


@dataclass
class _Work:
    """What a picture is at."""

    advanced_at: float  # when it last got on
    timeout_s: float
    began_at: float  # the step that is computed
    share: float = 0.0  # of that step
    paused: bool = False  # while it waits its turn, it can't get on


class StallWatch:
    """Takes each sign of progress, and says which pictures have given none for too long.

    How long is too long follows from the model's own estimate: as long as all of the step would
    take at its pace so far, by the share of the work that it says is done; and from the bytes that
    are read or written. It is never less than `MIN_TIMEOUT_S`. From any number of threads.
    """

    def __init__(
        self, timeout_s: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`timeout_s` is a user's own limit, whatever is estimated."""
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._works: dict[int, _Work] = {}
        self._checked_at = clock()

    @property
    def check_s(self) -> float:
        """How often to ask for `stalled`."""
        return CHECK_S if self._timeout_s is None else min(CHECK_S, self._timeout_s / 4)

    def begin(self, picture: int, size_bytes: int = 0) -> None:
        """A picture goes on with something else: with a file of so many bytes, or computing."""
        now = self._clock()
        timeout_s = max(MIN_TIMEOUT_S, size_bytes / MIN_BYTES_PER_S)
        with self._lock:
            self._works[picture] = _Work(now, timeout_s, began_at=now)

    def pause(self, picture: int) -> None:
        """A picture waits for others."""
        with self._lock:
            self._works[picture].paused = True

    def step(self, picture: int, done: int, total: int) -> None:
        """A picture got on: so much of the step is done. Several steps may follow each other."""
        now = self._clock()
        share = min(done / total, 1.0) if total else 0.0
        with self._lock:
            work = self._works[picture]
            if share < work.share:
                work.began_at = now
            work.advanced_at, work.share = now, share
            if share:
                work.timeout_s = max(MIN_TIMEOUT_S, (now - work.began_at) / share)

    def end(self, picture: int) -> None:
        """A picture is done with, however it ended."""
        with self._lock:
            self._works.pop(picture, None)

    def stalled(self) -> dict[int, float]:
        """Returns how many seconds ago each picture got on that should have since."""
        now = self._clock()
        with self._lock:
            if now - self._checked_at > MAX_GAP_S:
                for work in self._works.values():
                    work.advanced_at += now - self._checked_at
            self._checked_at = now
            return {
                picture: now - work.advanced_at
                for picture, work in self._works.items()
                if not work.paused and now - work.advanced_at > (self._timeout_s or work.timeout_s)
            }
