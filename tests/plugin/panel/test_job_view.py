"""A job as it is seen, on both bindings, without a screen."""

from collections.abc import Callable

import pytest


@pytest.fixture(scope="module")
def printed(shown_by: Callable[[str], dict[str, str]]) -> dict[str, str]:
    """What the panel shows in each situation."""
    return shown_by("offscreen.py")


def test_an_estimate_stays_while_it_runs(printed: dict[str, str]) -> None:
    assert printed["estimate"] == "about 40 seconds left|True|This takes about 3 minutes"
    assert "minutes" not in printed["notes"]  # of the result


def test_it_runs_on_that_binding(printed: dict[str, str]) -> None:
    assert printed["binding"] in ("PyQt6.QtWidgets", "PyQt5.QtWidgets")


def test_while_it_works_it_shows_phase_share_and_time(printed: dict[str, str]) -> None:
    assert printed["running"] == "Restoring|350|about 40 seconds left"
    assert printed["loading"] == "Loading the model|busy|"


def test_a_download_shows_how_much_and_how_fast(printed: dict[str, str]) -> None:
    assert printed["downloading"] == "30 MB / 96 MB   10 MB/s   about 30 seconds left"


def test_a_model_that_is_not_here_shows_what_will_come(printed: dict[str, str]) -> None:
    assert printed["model"] == (
        "HI-Diff GoPro|Size: 96 MB|License: Apache-2.0|From: the authors|To: /models"
    )


def test_the_pictures_take_the_place_of_the_bar(printed: dict[str, str]) -> None:
    assert printed["done"] == "compare=True bar=False stop=&Close"


def test_an_error_shows_what_to_do_and_can_be_copied(printed: dict[str, str]) -> None:
    assert printed["error"] == "It is full|Close other programs|copy=True|report this"


def test_both_halves_of_the_picture_are_seen(printed: dict[str, str]) -> None:
    assert printed["halves"] == "red blue"


def test_keys_and_buttons_move_zoom_and_hold(printed: dict[str, str]) -> None:
    assert printed["key moves"] == "0.55"
    assert printed["mouse moves"] == "0.25"
    assert printed["zoom"] == "True True 640.0"
    assert printed["held"] == "red red"


def test_everything_has_a_name_for_those_who_can_not_see(printed: dict[str, str]) -> None:
    assert printed["nameless"] == ""


def test_what_there_is_to_say_of_a_result_is_said_once(printed: dict[str, str]) -> None:
    assert printed["notes"] == "True 1/2 a face changed; 2/2 another"
