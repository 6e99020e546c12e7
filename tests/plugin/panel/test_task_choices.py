"""What is chosen before anything is restored, on both bindings, without a screen."""

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def printed(shown_by: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    """What is shown in each situation."""
    return {name: json.loads(value) for name, value in shown_by("docked.py").items()}


def test_tasks_are_those_of_the_engine(printed: dict[str, Any]) -> None:
    assert printed["tasks"] == ["Deblur", "Upscale"]


def test_a_model_says_whether_it_is_here(printed: dict[str, Any]) -> None:
    assert printed["about"] == "Large: is downloaded on first use: 1.4 GB"
    assert printed["about small"] == "Small: on this computer"


def test_options_are_shown_for_the_models_that_take_them(printed: dict[str, Any]) -> None:
    assert printed["fields"] == ["model", "strength", "steps", "offline"]
    assert printed["steps of small"] is False


def test_what_most_never_need_is_folded_away(printed: dict[str, Any]) -> None:
    assert (printed["offline folded"], printed["offline unfolded"]) == (False, True)


def test_where_it_goes_is_asked_of_larger_results_alone(printed: dict[str, Any]) -> None:
    assert (printed["larger result"], printed["larger of upscale"]) == (False, True)


def test_choices_are_remembered(printed: dict[str, Any]) -> None:
    assert printed["changed"]["options"]["deblur"]["strength"] == 0.5
    assert printed["remembered"]["strength"] == 0.5
    assert printed["remembered"]["model"] == "small"
