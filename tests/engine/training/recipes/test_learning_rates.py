"""Rates hold as long as they should, and go on after their end."""

from pixelmend_engine.training.recipes.learning_rates import (
    ConstantUntil,
    CosineSegment,
    learning_rate,
    stretch,
)


def test_a_rate_holds_for_all_steps_before_its_end() -> None:
    rates = (ConstantUntil(4, 1.0), ConstantUntil(6, 0.5))
    assert [learning_rate(rates, step) for step in (1, 3, 4, 5, 6, 100)] == [
        1,
        1,
        0.5,
        0.5,
        0.5,
        0.5,
    ]


def test_a_cycle_ends_where_it_should() -> None:
    rates = (CosineSegment(4, 0.0, 1.0), CosineSegment(4, 3.0, 2.0))
    assert [learning_rate(rates, step) for step in (1, 5, 9, 100)] == [0, 1, 2, 2]


def test_rates_are_drawn_out_and_pressed_together() -> None:
    assert stretch((ConstantUntil(100, 1.0),), 0.1) == (ConstantUntil(10, 1.0),)
    assert stretch((ConstantUntil(100, 1.0),), 1e-6) == (
        ConstantUntil(2, 1.0),
    )  # one step at the least
    assert stretch((CosineSegment(100, 1.0, 0.0),), 2.0) == (CosineSegment(200, 1.0, 0.0),)
