"""Krita's docker: what it refuses, how it is canceled, and what it does when things go away."""

import numpy as np
import pytest
from described import Scenes
from machine import Machine


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("nothing", "No document is open", "Open a picture"),
        ("elsewhere", "selection lies outside", "Select a part"),
        ("empty", "layer is empty", "another layer"),
        ("no_engine", "does not start", "pixelmend serve"),
        ("damaged", "where Pixelmend is installed", "pixelmend setup"),
    ],
)
def test_what_can_not_be_done_is_told(
    krita_scenes: Scenes, name: str, words: str, hint: str
) -> None:
    told = krita_scenes["refused"][name]
    assert words in told["headline"]
    assert hint in told["hint"]
    assert told["icon"]


def test_what_fails_leaves_the_document_alone(krita_scenes: Scenes) -> None:
    assert krita_scenes["refused"]["layers"] == ["Background", "photo", "empty"]


def test_a_cancel_is_seen_at_once_and_leaves_nothing(krita_scenes: Scenes) -> None:
    scene = krita_scenes["canceled"]
    assert scene["shown"] == {"run": True, "stop": "&Cancel"}
    assert scene["at_once"] is False
    assert scene["panel"]
    assert scene.names == ["photo", "Background"]


def test_after_a_cancel_the_next_one_runs(krita_scenes: Scenes) -> None:
    assert len(krita_scenes["canceled"]["next"]) == 3


def test_the_result_of_a_closed_document_can_be_opened(krita_scenes: Scenes) -> None:
    scene = krita_scenes["closed"]
    assert scene["orphaned"]
    assert "closed" in scene["hint"]
    assert scene["size"] == [120, 96]
    assert scene["modified"]  # Krita asks before it is closed
    opened = scene.layer("opened").pixels[:96, :120]
    photo = krita_scenes["whole_layer"]["before"]["layers"][0]
    before = np.frombuffer((scene.folder / photo["file"]).read_bytes(), np.uint8)
    assert np.array_equal(opened, before.reshape(130, 160, 4)[7:103, 11:131])


def test_jobs_end_with_krita_and_with_a_cancel(krita_scenes: Scenes) -> None:
    phases = krita_scenes["slow"]["phases"]
    # The engine may have forgotten the one that was canceled; not the one that Krita left behind.
    assert "canceled" in phases
    assert set(phases) <= {"canceled", "done"}


def test_actions_are_there_and_work(krita_scenes: Scenes) -> None:
    scene = krita_scenes["actions"]
    assert scene["texts"] == [
        "Show the Pixelmend docker",
        "Restore as chosen in the docker",
        "Pixelmend: Deblur",
        "Cancel the restoration",
    ]
    assert scene["shown"]
    assert scene["layers"][-1] == "Deblurred (HI-Diff Compact)"


def test_what_was_chosen_is_remembered(krita_scenes: Scenes) -> None:
    kept = krita_scenes["actions"]["kept"]
    assert kept["task"] == "deblur"
    assert kept["options"]["deblur"]["strength"] == 0.5


def test_it_fits_into_250_pixels(krita_scenes: Scenes) -> None:
    scene = krita_scenes["narrow"]
    assert scene["least"] <= 250
    assert scene["with_result"] <= 250


def test_it_is_low_and_stays_so(krita_scenes: Scenes) -> None:
    scene = krita_scenes["narrow"]
    assert scene["least height"] <= 160
    assert scene["height with result"] == scene["least height"]


def test_doctor_finds_it_sound(krita: Machine, krita_scenes: Scenes) -> None:
    told = krita.pixelmend("doctor", "krita")
    assert told.returncode == 0, told.stdout
    assert "enabled: yes" in told.stdout
