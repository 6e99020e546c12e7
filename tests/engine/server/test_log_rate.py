"""A complaint that repeats does not fill the log, and nothing else is left out."""

import logging

import pytest

from pixelmend_engine.server import log_rate
from pixelmend_engine.server.log_rate import MOST, LogRate


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(LogRate())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def logger(kept: Kept) -> logging.Logger:
    made = logging.Logger("a flood")
    made.addHandler(kept)
    return made


def test_the_same_complaint_is_written_so_often_and_then_counted(
    kept: Kept, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complain(number: int) -> None:
        logger.warning("no room for %d", number)

    for number in range(MOST + 30):
        complain(number)
    logger.warning("another place")
    assert len(kept.lines) == MOST + 1
    assert kept.lines[-1] == "another place"
    monkeypatch.setattr(log_rate, "WINDOW_S", -1.0)  # as if a minute had gone
    complain(99)
    assert kept.lines[-1] == "no room for 99 (30 times more before)"


def test_what_goes_well_is_always_written(kept: Kept, logger: logging.Logger) -> None:
    for number in range(MOST + 30):
        logger.info("job %d done", number)
    assert len(kept.lines) == MOST + 30
