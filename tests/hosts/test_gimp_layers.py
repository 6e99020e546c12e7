"""Which layers come of it, and what is told where none do."""

import shutil
from pathlib import Path

import pytest
from described import Scenes
from machine import Machine

NAME = "Deblurred (HI-Diff Compact)"


def test_the_new_layer_lies_right_above_at_the_same_place(scenes: Scenes) -> None:
    scene = scenes["whole_layer"]
    assert (scene["status"], scene["text"]) == ("success", "")
    assert scene.names == [NAME, "photo"]
    assert all(layer["offsets"] == [11, 7] for layer in scene.layers)
    assert all((layer["width"], layer["height"]) == (120, 96) for layer in scene.layers)


def test_the_recipe_is_kept_in_the_layer(scenes: Scenes) -> None:
    recipe = scenes["whole_layer"].layers[0]["recipe"]
    assert recipe["task"] == "deblur"
    assert recipe["model"] == "hi-diff-compact"
    assert recipe["options"]["model"] == "auto"
    assert recipe["version"]


def test_the_recipe_survives_a_file(scenes: Scenes) -> None:
    assert scenes["again"].layer("before")["recipe"]["task"] == "deblur"


def test_several_layers_are_restored_each(scenes: Scenes) -> None:
    assert scenes["several"].names == [NAME, "other", f"{NAME} #1", "photo"]


def test_a_group_gets_a_plain_layer_above_itself(scenes: Scenes) -> None:
    new, group = scenes["group"].layers
    assert (new["type"], group["type"]) == ("Layer", "GroupLayer")
    assert new["offsets"] == group["offsets"] == [11, 7]
    assert not group["visible"]


def test_a_layer_in_a_group_gets_its_result_there(scenes: Scenes) -> None:
    names = [layer["name"] for layer in scenes["group"]["children"]]
    assert names == [f"{NAME} #1", "inner", "photo"]


def test_a_text_stays_a_text(scenes: Scenes) -> None:
    new, text, _ = scenes["text"].layers
    assert (new["type"], text["type"]) == ("Layer", "TextLayer")
    assert text.data == scenes["text"].layer("before").data


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("selection_elsewhere", "selection lies outside"),
        ("indexed", "indexed image"),
        ("channel", "channel"),
        ("absent_weights", "weights `hi-diff-gopro` are not on this computer"),
    ],
)
def test_what_can_not_be_done_is_told_and_fails(scenes: Scenes, scene: str, words: str) -> None:
    told = scenes[scene]
    assert told["status"] == "execution-error"
    assert words in told["text"]
    assert len(told["text"].split("\n\n")) == 2  # what happened, and what to do


@pytest.mark.parametrize("scene", ["selection_elsewhere", "absent_weights"])
def test_what_fails_leaves_the_image_alone(scenes: Scenes, scene: str) -> None:
    assert scenes[scene].names == ["photo"]


@pytest.mark.parametrize(("answer", "words"), [("wrong", "not made by"), ("orphan", "is gone")])
def test_again_says_what_it_can_not_do(scenes: Scenes, answer: str, words: str) -> None:
    assert scenes["again"][answer]["status"] == "execution-error"
    assert words in scenes["again"][answer]["text"]


@pytest.mark.parametrize(
    ("language", "label", "model", "blurb"),
    [
        ("de_DE", "_Schärfen...", "_Modell", "Schärft, was verwackelt"),
        ("zh_CN", "去模糊...", "模型", "锐化因抖动"),
    ],
)
def test_menu_and_dialog_speak_the_users_language(
    user: Machine, tmp_path: Path, language: str, label: str, model: str, blurb: str
) -> None:
    code = """
procedure = Gimp.get_pdb().lookup_procedure("plug-in-pixelmend-deblur")
print("LABEL", procedure.get_menu_label(), flush=True)
print("MODEL", procedure.find_argument("model").get_nick(), flush=True)
print("BLURB", procedure.get_blurb(), flush=True)
"""
    profile = user.user / f"profile-{language}"
    shutil.copytree(user.user / ".config" / "GIMP" / "3.0", profile)
    (profile / "pluginrc").unlink()
    environ = {"LANG": f"{language}.UTF-8"}
    output, _ = user.batch(code, profile, environ).communicate(timeout=120)
    assert f"LABEL {label}" in output
    assert f"MODEL {model}" in output
    assert f"BLURB {blurb}" in output  # what the search for commands looks through
