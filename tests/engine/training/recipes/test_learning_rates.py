"""Rates hold as long as they should, and go on after their end."""

from pixelmend_engine.training.recipes.learning_rates import Cycle, Hold, rate, scaled


def test_a_rate_holds_for_all_steps_before_its_end() -> None:
    rates = (Hold(4, 1.0), Hold(6, 0.5))
    assert [rate(rates, step) for step in (1, 3, 4, 5, 6, 100)] == [1, 1, 0.5, 0.5, 0.5, 0.5]


def test_a_cycle_ends_where_it_should() -> None:
    rates = (Cycle(4, 0.0, 1.0), Cycle(4, 3.0, 2.0))
    assert [rate(rates, step) for step in (1, 5, 9, 100)] == [0, 1, 2, 2]


def test_rates_are_drawn_out_and_pressed_together() -> None:
    assert scaled((Hold(100, 1.0),), 0.1) == (Hold(10, 1.0),)
    assert scaled((Hold(100, 1.0),), 1e-6) == (Hold(2, 1.0),)  # one step at the least
    assert scaled((Cycle(100, 1.0, 0.0),), 2.0) == (Cycle(200, 1.0, 0.0),)
