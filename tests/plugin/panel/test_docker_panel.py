"""The docked panel's widget and the choice of faces, on both bindings, without a screen."""

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def printed(shown_by: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    """What is shown in each situation."""
    return {name: json.loads(value) for name, value in shown_by("docked.py").items()}


def test_a_click_says_what_is_wanted(printed: dict[str, Any]) -> None:
    assert printed["requested"] == {
        "task": "deblur",
        "options": {"model": "small", "strength": 0.5, "offline": False},
        "source": "layer",
        "enlarged": "new",
    }


def test_another_task_can_be_asked_for(printed: dict[str, Any]) -> None:
    assert printed["started"]["task"] == "upscale"
    assert printed["started"]["options"] == {"model": "auto", "strength": 1.0, "scale": "auto"}


def test_while_it_works_there_is_a_bar_and_another_can_be_asked_for(
    printed: dict[str, Any],
) -> None:
    assert printed["working"] == [True, "Restoring", 500]
    assert printed["another"] == 3


def test_a_cancel_is_said_once_and_the_job_is_gone(printed: dict[str, Any]) -> None:
    assert printed["canceled"] == ["canceled"]
    assert printed["after cancel"] == [True, True, False]


def test_an_error_is_shown_until_it_is_closed(printed: dict[str, Any]) -> None:
    assert printed["error"] == ["It is full", "Close other programs"]
    assert printed["error closed"] == [True, ["canceled"]]


def test_a_result_is_compared_within_250_pixels(printed: dict[str, Any]) -> None:
    assert printed["result"] == ["Deblured 1", True, 250]
    assert printed["least width"] <= 250
    assert printed["nothing overlaps"]


def test_a_low_docker_scrolls_to_what_arrives(printed: dict[str, Any]) -> None:
    least, seen = printed["low"]
    assert least <= 180
    assert seen


def test_earlier_results_are_listed_opened_and_forgotten(printed: dict[str, Any]) -> None:
    assert printed["newest"] == 2
    assert (printed["orphaned"], printed["at home"]) == (True, False)
    assert printed["emitted"] == ["open 2", "drop 1"]
    assert printed["opened"] == "Deblured 1"
    assert printed["no history"] is False


def test_a_chosen_thumbnail_keeps_its_colors(printed: dict[str, Any]) -> None:
    assert printed["not tinted"]


def test_icons_follow_the_theme(printed: dict[str, Any]) -> None:
    assert printed["icons follow the theme"]


def test_everything_has_a_name_for_those_who_can_not_see(printed: dict[str, Any]) -> None:
    assert printed["nameless"] == []


def test_without_tasks_it_says_why(printed: dict[str, Any]) -> None:
    assert printed["missing"] == [True, "It is not installed", False]


def test_faces_are_all_chosen_at_first(printed: dict[str, Any]) -> None:
    assert printed["all chosen"] == [0, 1, 2]


def test_a_click_means_the_smallest_face_there(printed: dict[str, Any]) -> None:
    assert printed["the smaller one"] == [0, 2]
    assert printed["a tiny one"] == [0]


def test_keys_choose_faces(printed: dict[str, Any]) -> None:
    assert printed["by key"] == []
    assert printed["all or none"] == [[0, 1, 2], []]


def test_boxes_are_drawn_where_the_faces_are(printed: dict[str, Any]) -> None:
    # 600 pixels of the picture on 320 of the widget, below a margin of 13.
    assert printed["place"] == [16, 29, 32, 32]
    assert printed["drawn"]


def test_faces_are_found_before_they_are_chosen(printed: dict[str, Any]) -> None:
    assert printed["fields of faces"] == ["model", "strength", "offline"]
    assert printed["detection"]["task"] == "find-faces"
    assert printed["detection"]["options"] == {"offline": False}
    assert printed["detected"][:2] == [True, True]
    assert printed["detected"][2] <= 250
    assert printed["faces of deblur"] == [False, False]


def test_the_chosen_faces_alone_are_wanted(printed: dict[str, Any]) -> None:
    assert printed["all of them"]["options"]["faces"] == "all"
    assert printed["one of them"]["options"]["faces"] == "0"
    assert printed["none of them"] is False
    assert printed["forgotten"] == [False, True]


def test_faces_are_counted_and_chosen_all_or_none(printed: dict[str, Any]) -> None:
    assert printed["counted"] == "1 of 2 faces are restored"
    assert printed["all and none"] == ["0 of 2 faces are restored", "all"]


def test_faces_can_be_seen_larger(printed: dict[str, Any]) -> None:
    assert (printed["larger"], printed["smaller"]) == (1.5, 1.0)


def test_the_smallest_face_is_easy_to_hit(printed: dict[str, Any]) -> None:
    assert printed["easy to hit"] == 24


def test_a_low_docker_scrolls_to_the_faces_that_were_found(printed: dict[str, Any]) -> None:
    assert printed["faces seen"]
