"""Samples between samples: exact where a cubic is, whatever part is asked for."""

import numpy as np
import pytest

from pixelmend_engine.restoration.resampling import Enlargement, taps


@pytest.mark.parametrize(("length", "result"), [(9, 18), (10, 33), (7, 8)])
def test_shares_add_up_to_one(length: int, result: int) -> None:
    shares = taps(length, result, slice(0, result)).shares
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


def test_a_slope_stays_a_slope() -> None:
    slope = np.arange(20, dtype=np.float32)[:, None, None].repeat(5, axis=1)
    larger = Enlargement((20, 5), (60, 15)).rows(slice(0, 60), slope.__getitem__)
    np.testing.assert_allclose(np.diff(larger[6:-6, 7, 0]), 1 / 3, atol=1e-5)


def test_rows_are_the_same_whichever_are_asked_for() -> None:
    picture = np.random.default_rng(0).random((30, 20, 3)).astype(np.float32)
    enlargement = Enlargement((30, 20), (75, 50))
    whole = enlargement.rows(slice(0, 75), picture.__getitem__)
    for rows in (slice(0, 1), slice(20, 41), slice(70, 75)):
        np.testing.assert_array_equal(enlargement.rows(rows, picture.__getitem__), whole[rows])


def test_only_the_rows_that_are_needed_are_asked_for() -> None:
    asked: list[slice] = []

    def source(rows: slice) -> np.ndarray:
        asked.append(rows)
        return np.zeros((rows.stop - rows.start, 4, 1), np.float32)

    Enlargement((100, 4), (200, 8)).rows(slice(100, 110), source)
    assert asked == [slice(48, 57)]
