"""The line says how fast it goes, and how long it will take."""

import pytest

from pixelmend_cli import batch_bar
from pixelmend_engine.batch.head import Progress
from pixelmend_engine.batch.records import Totals


def test_the_line_has_speeds_time_left_and_failures() -> None:
    before = Totals(waiting=100, done=20)
    progress = Progress(restored=9, failed=1, pixels=30_000_000)
    text = batch_bar.line(before, progress, [(0.0, 0, 0), (36.0, 10, 30_000_000)])
    assert text == "29/120 pictures, 1,000 and 3,000 MP an hour, 5 min left, 1 failed"
    assert batch_bar.line(before, progress, [(0.0, 10, 0)]) == "29/120 pictures, 1 failed"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (90, "1 min"), (7260, "2 h 1 min"), (86400 * 3, "3.0 days")],
)
def test_times_are_said_as_people_do(seconds: float, words: str) -> None:
    assert batch_bar.duration(seconds) == words
