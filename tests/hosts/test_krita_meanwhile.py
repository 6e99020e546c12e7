"""What Krita's user does while a job runs: nothing is taken from them, and no result is lost."""

import pytest
from described import Layer, Scenes

RESULT = "Deblurred (Echo)"
UNTOUCHED = ["photo", "Background"]


def test_a_result_and_an_error_leave_the_keyboard_to_the_canvas(krita_scenes: Scenes) -> None:
    scene = krita_scenes["keyboard"]
    assert scene["before"] == "KisOpenGLCanvas2"
    assert scene["clicked"] == scene["before"]
    assert scene["result"] == [scene["before"], RESULT]
    assert scene["error"][0] == scene["before"]


def test_escape_and_space_close_nothing(krita_scenes: Scenes) -> None:
    scene = krita_scenes["keyboard"]
    assert scene["after keys"] == scene["result"]
    assert scene["error after keys"] == scene["error"]
    assert "start" in scene["error"][1]


def test_a_lasso_is_finished_before_the_layer_arrives(krita_scenes: Scenes) -> None:
    scene = krita_scenes["lasso"]
    assert RESULT not in scene["held"]
    assert scene["selected"]
    assert RESULT in scene["released"]


def test_a_stylus_that_touches_its_tablet_counts_as_a_button(krita_scenes: Scenes) -> None:
    assert krita_scenes["stylus"]["down"] == [False, True, False]


@pytest.mark.parametrize(
    "action", ["mirrorImageHorizontal", "rotateImage180", "rotateImageCW90", "mirrorNodeY"]
)
def test_what_was_turned_meanwhile_keeps_its_result_apart(
    krita_scenes: Scenes, action: str
) -> None:
    told = krita_scenes["turned"][action]
    assert [layer["name"] for layer in told["layers"]] == UNTOUCHED
    assert told["results"][0] == [RESULT, True]  # it can be opened as a document
    assert "mirrored or turned" in told["hint"]


@pytest.mark.parametrize("when", ["waiting", "arriving"])
def test_a_late_cancel_leaves_no_layer(krita_scenes: Scenes, when: str) -> None:
    assert krita_scenes["canceled_late"][when] == UNTOUCHED[::-1]
    assert krita_scenes["canceled_late"]["shown"] is None


def test_a_second_one_waits_and_it_is_said(krita_scenes: Scenes) -> None:
    scene = krita_scenes["queued"]
    assert scene["waiting"] == 1
    assert scene["notice"] == "Waiting for this one: 1"
    assert [names[-1] for names in scene["names"]] == [RESULT, RESULT]


def test_the_result_of_another_document_is_shown_once_that_is_seen(krita_scenes: Scenes) -> None:
    scene = krita_scenes["queued"]
    shown, listed = scene["other result"]
    assert shown != RESULT
    assert listed == 0
    assert scene["own result"] == [RESULT, 1]
    assert scene["back"] == [RESULT, True]


@pytest.mark.parametrize("what", ["", "merged "])
def test_what_is_painted_after_the_click_is_not_in_the_result(
    krita_scenes: Scenes, what: str
) -> None:
    scene = krita_scenes["snapshot"]
    told = scene["merged result"] if what else scene.told
    new = Layer(scene.folder, told["layers"][0])
    assert new["name"] == RESULT
    assert new.data == (scene.folder / scene[f"{what}before"]).read_bytes()
    assert "changed meanwhile" in told["hint"]


def test_a_result_that_krita_refuses_can_be_opened(krita_scenes: Scenes) -> None:
    scene = krita_scenes["refused_layer"]
    assert scene.names == UNTOUCHED
    assert scene["results"][0] == [RESULT, True]
    assert "Krita takes no new layer" in scene["hint"]
