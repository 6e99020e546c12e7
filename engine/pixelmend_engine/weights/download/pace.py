"""How fast a source sends, so that one that drips is passed over for another."""

import time
from collections.abc import Callable

from pixelmend_engine.weights.download.https import SourceUnavailable
from pixelmend_engine.weights.download.network_settings import RetryPolicy


class SourceSlow(Exception):
    """A source sends so slowly that another one is asked first."""


class Pace:
    """The speed of one source, over all tries: a source that cuts after a byte drips, too.

    `patient` waits as long as anything comes, for there is no other source.
    """

    def __init__(
        self,
        where: str,
        policy: RetryPolicy,
        *,
        patient: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._where = where
        self._policy = policy
        self._patient = patient
        self._clock = clock
        self._asked_at: float | None = None  # None: the file has begun to come
        self._since = clock()
        self._bytes_before: int | None = None
        self._last_size = 0  # bytes, the last time

    def note_request(self) -> None:
        """Takes note that the source owes an answer."""
        self._asked_at = self._clock()

    def note_start(self, size: int) -> None:
        """Takes note that the file comes from byte `size` on; its speed counts from the first."""
        self._asked_at = None
        if self._bytes_before is None or size < self._last_size:
            self._restart(size)

    def note_wait(self, wait_s: float) -> None:
        """Takes note that the server itself had asked to be left alone for so long."""
        self._since += wait_s

    def check(self, size: int) -> None:
        """Compares the bytes that are here with those before.

        Raises:
            SourceUnavailable: It has let nothing of an answer be seen for as long.
            SourceSlow: It is slower than the policy wants, over all of its window.
        """
        self._last_size = size
        window_s, now = self._policy.speed_window_s, self._clock()
        if self._asked_at is not None and now - self._asked_at >= window_s:
            raise SourceUnavailable(f"{self._where} does not answer", "temporary")
        if self._bytes_before is None or now - self._since < window_s:
            return
        speed = (size - self._bytes_before) / (now - self._since)
        if speed < self._policy.min_bytes_per_s and not self._patient:
            raise SourceSlow(f"{self._where} sends {speed:.0f} bytes a second")
        self._restart(size)

    def _restart(self, size: int) -> None:
        self._since, self._bytes_before = self._clock(), size
