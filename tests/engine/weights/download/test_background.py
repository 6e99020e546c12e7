"""Work in the background can be left at any time."""

import threading
import time
from collections.abc import Iterator

import pytest

from pixelmend.errors import Canceled
from pixelmend_engine.weights.download import background


def untold() -> None:
    """Nothing to do."""


def test_items_come_in_their_order() -> None:
    assert list(background.iterate_in_thread(iter(range(500)), untold, 5.0)) == list(range(500))


def test_errors_come_through() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise KeyError("as nobody expected")

    items = background.iterate_in_thread(fail(), untold, 5.0)
    assert next(items) == 1
    with pytest.raises(KeyError):
        next(items)


def test_the_first_item_has_to_come_in_time_and_the_others_need_not() -> None:
    free = threading.Event()

    def slow() -> Iterator[int]:
        free.wait(30)
        yield 1

    with pytest.raises(background.FirstItemTimeout):
        list(background.iterate_in_thread(slow(), untold, 0.2))
    free.set()

    def later() -> Iterator[int]:
        yield 1
        time.sleep(0.6)
        yield 2

    assert list(background.iterate_in_thread(later(), untold, 0.4)) == [1, 2]


def test_what_hangs_is_left_behind() -> None:
    free, resumed = threading.Event(), threading.Event()

    def hang() -> Iterator[int]:
        yield 1
        free.wait(300)
        resumed.set()

    started = time.monotonic()

    def tick() -> None:
        if time.monotonic() - started > 0.3:
            raise Canceled("Canceled", hint="")

    with pytest.raises(Canceled):
        list(background.iterate_in_thread(hang(), tick, 5.0))
    assert not resumed.is_set()
    free.set()


def test_a_thread_whose_items_nobody_wants_any_more_ends() -> None:
    before = threading.active_count()
    items = background.iterate_in_thread(iter(range(100_000)), untold, 5.0)
    next(items)
    items.close()
    deadline = time.monotonic() + 60  # ends a hang
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
