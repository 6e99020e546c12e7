"""Pictures that get no further are known, and those that are slow or wait are not."""

import pytest

from pixelmend_engine.batch.stall_watch import CHECK_S, MIN_BYTES_PER_S, MIN_TIMEOUT_S, StallWatch


class Clock:
    """Moves on when it is told, and has the watch asked as often as workers do."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float, watch: StallWatch) -> dict[int, float]:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + CHECK_S)
            watch.stalled()
        return watch.stalled()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_picture_that_is_never_read_stalls(clock: Clock) -> None:
    watch = StallWatch(None, clock)
    watch.begin(1)
    watch.begin(2)
    assert not clock.pass_by(MIN_TIMEOUT_S, watch)
    watch.end(2)
    assert set(clock.pass_by(2, watch)) == {1}


def test_a_large_file_has_longer(clock: Clock) -> None:
    watch = StallWatch(None, clock)
    watch.begin(1, int(2 * MIN_TIMEOUT_S * MIN_BYTES_PER_S))
    assert not clock.pass_by(1.9 * MIN_TIMEOUT_S, watch)
    assert clock.pass_by(0.2 * MIN_TIMEOUT_S, watch)


def test_who_waits_its_turn_does_not_stall(clock: Clock) -> None:
    watch = StallWatch(None, clock)
    watch.begin(1)
    watch.pause(1)
    assert not clock.pass_by(10 * MIN_TIMEOUT_S, watch)
    watch.begin(1)
    assert clock.pass_by(MIN_TIMEOUT_S + 1, watch)


def test_a_slow_model_has_as_long_as_all_of_it_would_take(clock: Clock) -> None:
    watch = StallWatch(None, clock)
    watch.begin(1)
    for step in range(1, 5):  # a tenth of it takes most of the least there is
        assert not clock.pass_by(0.9 * MIN_TIMEOUT_S, watch)
        watch.step(1, step, 10)
    assert not clock.pass_by(8.9 * MIN_TIMEOUT_S, watch)
    assert set(clock.pass_by(0.2 * MIN_TIMEOUT_S, watch)) == {1}


def test_the_next_model_has_a_pace_of_its_own(clock: Clock) -> None:
    watch = StallWatch(None, clock)
    watch.begin(1)
    clock.pass_by(0.9 * MIN_TIMEOUT_S, watch)
    watch.step(1, 1, 10)
    watch.step(1, 0, 0)  # it is loaded
    clock.pass_by(10, watch)
    watch.step(1, 1, 10)
    assert clock.pass_by(MIN_TIMEOUT_S + 1, watch)


def test_a_users_own_limit_holds_whatever_is_estimated(clock: Clock) -> None:
    watch = StallWatch(60.0, clock)
    watch.begin(1, 10**12)
    assert not clock.pass_by(59, watch)
    assert clock.pass_by(2, watch)


def test_a_computer_that_slept_has_not_stalled(clock: Clock) -> None:
    watch = StallWatch(None, clock)
    watch.begin(1)
    clock.now += 100 * MIN_TIMEOUT_S
    assert not watch.stalled()
    assert clock.pass_by(MIN_TIMEOUT_S + 1, watch)
