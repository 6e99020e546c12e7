"""A source that drips is passed over for another, never for none."""

import pytest

from pixelmend_engine.weights.download.https import SourceUnavailable
from pixelmend_engine.weights.download.network_settings import EXPLICIT_PULL
from pixelmend_engine.weights.download.pace import Pace, SourceSlow

RATE, WINDOW_S = EXPLICIT_PULL.min_bytes_per_s, EXPLICIT_PULL.speed_window_s


class Clock:
    """Time as a test tells it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begun(clock: Clock, *, patient: bool = False) -> Pace:
    """A file that comes from its beginning on."""
    pace = Pace("localhost", EXPLICIT_PULL, patient=patient, clock=clock)
    pace.note_request()
    pace.note_start(0)
    return pace


def test_what_is_fast_enough_is_never_passed_over(clock: Clock) -> None:
    pace = begun(clock)
    for second in range(1, 200):
        clock.now += 1
        pace.check(int(second * RATE) + 1)


def test_what_was_fast_may_become_slow(clock: Clock) -> None:
    pace = begun(clock)
    clock.now += WINDOW_S
    pace.check(10_000_000)
    clock.now += WINDOW_S - 1
    pace.check(10_000_100)
    clock.now += 1
    with pytest.raises(SourceSlow, match="localhost sends 2 bytes a second"):
        pace.check(10_000_120)


def test_the_only_source_may_be_slow(clock: Clock) -> None:
    pace = begun(clock, patient=True)
    for second in range(1, 200):
        clock.now += 1
        pace.check(second)


def test_tries_that_bring_a_byte_each_are_slow_together(clock: Clock) -> None:
    pace = begun(clock)
    for tries in range(1, int(WINDOW_S)):
        clock.now += 1
        pace.check(tries)
        pace.note_request()
        pace.note_start(tries)
    clock.now += 1
    with pytest.raises(SourceSlow):
        pace.check(int(WINDOW_S))


def test_a_file_that_begins_anew_is_measured_anew(clock: Clock) -> None:
    pace = begun(clock)
    clock.now += WINDOW_S / 2
    pace.check(10_000_000)
    pace.note_start(0)
    clock.now += WINDOW_S / 2 + 1
    pace.check(1)


def test_the_time_that_a_server_asks_for_does_not_count(clock: Clock) -> None:
    pace = begun(clock)
    clock.now += 2 * WINDOW_S
    pace.note_wait(2 * WINDOW_S)
    pace.check(1)


def test_an_answer_that_never_becomes_a_file_is_not_waited_for(clock: Clock) -> None:
    pace = Pace("localhost", EXPLICIT_PULL, patient=True, clock=clock)
    for _ in range(3):  # pages of a folder
        pace.note_request()
        clock.now += WINDOW_S - 1
        pace.check(0)
    clock.now += 1
    with pytest.raises(SourceUnavailable, match="localhost does not answer"):
        pace.check(0)
