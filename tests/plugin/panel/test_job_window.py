"""A job in a window of its own, on both bindings, without a screen."""

from collections.abc import Callable

import pytest


@pytest.fixture(scope="module")
def printed(shown_by: Callable[[str], dict[str, str]]) -> dict[str, str]:
    """What the window does in each situation."""
    return shown_by("offscreen.py")


def test_closing_while_it_works_cancels(printed: dict[str, str]) -> None:
    assert printed["closed"] == "canceled closed"


def test_escape_cancels(printed: dict[str, str]) -> None:
    assert printed["escape"] == "canceled closed"


def test_closing_when_it_is_done_cancels_nothing(printed: dict[str, str]) -> None:
    assert printed["done closed"] == "closed"


def test_the_end_has_the_keyboard(printed: dict[str, str]) -> None:
    assert printed["focus"] == "compare close"
