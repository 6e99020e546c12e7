"""Keeping a complaint that repeats, as while somebody floods the engine, from filling the log."""

import logging
import time

MOST = 20  # lines of one place in the code
WINDOW_S = 60.0


class LogRate(logging.Filter):
    """Lets each place in the code complain so often in a while; then it says how often it did."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, int], tuple[float, int]] = {}  # since when, how many

    def filter(self, record: logging.LogRecord) -> bool:
        """Says whether a line is written; what goes well always is."""
        if record.levelno < logging.WARNING:
            return True
        place, now = (record.pathname, record.lineno), time.monotonic()
        since, count = self._counts.get(place, (now, 0))
        if now - since > WINDOW_S:
            if count > MOST and not hasattr(record, "left_out"):
                record.left_out = count - MOST  # told once, whichever handlers there are
                record.msg = f"{record.getMessage()} ({count - MOST} times more before)"
                record.args = ()
            since, count = now, 0
        self._counts[place] = (since, count + 1)
        return count < MOST
