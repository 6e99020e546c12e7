"""Krita's layers: where the result comes, what it is called, and what stays as it was."""

from typing import Any

import numpy as np
import pytest
from described import Layer, Scenes

NAME = "Deblurred (HI-Diff Compact)"


def names(told: Any) -> list[str]:
    """The names of a document's layers, the topmost first."""
    return [layer["name"] for layer in told["layers"]]


def test_the_new_layer_lies_right_above_at_the_same_place(krita_scenes: Scenes) -> None:
    after = krita_scenes["whole_layer"]["after"]
    assert names(after) == [NAME, "photo", "Background"]
    assert after["layers"][0]["bounds"] == [11, 7, 120, 96]
    assert after["layers"][0]["visible"]
    assert after["layers"][0]["type"] == "paintlayer"


def test_it_is_one_step_of_undo_and_redo(krita_scenes: Scenes) -> None:
    scene = krita_scenes["whole_layer"]
    assert scene["after"]["undo"] == [*scene["before"]["undo"], "Add Layer"]
    assert names(scene["undone"]) == ["photo", "Background"]
    assert names(scene["redone"]) == [NAME, "photo", "Background"]
    first, second = (
        Layer(krita_scenes.folder, scene[when]["layers"][0]).data for when in ("after", "redone")
    )
    assert first == second


def test_undo_brings_the_picture_back_to_the_bit(krita_scenes: Scenes) -> None:
    scene = krita_scenes["whole_layer"]
    before, undone = (
        Layer(krita_scenes.folder, scene[when]["merged"]).data for when in ("before", "undone")
    )
    assert before == undone


def test_the_result_is_seen_at_once(krita_scenes: Scenes) -> None:
    after = krita_scenes["whole_layer"]["after"]
    layer = Layer(krita_scenes.folder, after["layers"][0]).pixels[7:103, 11:131]
    merged = Layer(krita_scenes.folder, after["merged"]).pixels[7:103, 11:131]
    assert np.array_equal(layer, merged)


@pytest.mark.parametrize("scene", ["whole_layer", "feathered_selection"])
def test_the_active_layer_stays_active(krita_scenes: Scenes, scene: str) -> None:
    told = krita_scenes[scene]
    assert (told["after"] if scene == "whole_layer" else told)["active"] == "photo"


def test_the_other_layers_stay_to_the_bit(krita_scenes: Scenes) -> None:
    scene = krita_scenes["whole_layer"]
    for name in ("photo", "Background"):
        before, after = (
            next(one for one in scene[when]["layers"] if one["name"] == name)
            for when in ("before", "after")
        )
        assert Layer(krita_scenes.folder, before).data == Layer(krita_scenes.folder, after).data


def test_the_docker_shows_what_the_engine_can_do(krita_scenes: Scenes) -> None:
    task, about = krita_scenes["whole_layer"]["before"]["widgets"]
    assert task == "Deblur"
    assert "downloaded on first use: 114 MB" in about


def test_the_result_is_listed_and_compared(krita_scenes: Scenes) -> None:
    after = krita_scenes["whole_layer"]["after"]
    assert after["results"][0] == [NAME, False]
    assert after["headline"] == NAME
    assert after["hint"] == (
        "HI-Diff Compact was used; the larger HI-Diff GoPro is not on this computer"
    )
    assert "so `hi-diff-compact` is used" in after["details"]


def test_merged_pictures_come_on_top(krita_scenes: Scenes) -> None:
    assert names(krita_scenes["merged"])[0] == NAME


def test_a_mask_stands_for_its_layer(krita_scenes: Scenes) -> None:
    assert names(krita_scenes["group_and_mask"]["masked"]) == [NAME, "photo", "Background"]


def test_a_group_gets_a_plain_layer_above_itself(krita_scenes: Scenes) -> None:
    layers = krita_scenes["group_and_mask"]["layers"]
    assert [(one["name"], one["type"]) for one in layers[:2]] == [
        (NAME, "paintlayer"),
        ("group", "grouplayer"),
    ]


def test_opacity_is_the_results_too_and_it_is_said(krita_scenes: Scenes) -> None:
    scene = krita_scenes["half_opaque"]
    assert [layer["opacity"] for layer in scene["layers"][:2]] == [128, 128]
    assert "Hide the layer below" in scene["hint"]


def test_a_layer_that_was_moved_meanwhile_takes_its_result_along(krita_scenes: Scenes) -> None:
    layers = krita_scenes["changed_meanwhile"]["moved"]["layers"]
    assert layers[0]["name"].endswith("(Echo)")
    assert layers[0]["bounds"] == layers[1]["bounds"]


def test_a_canvas_that_was_resized_meanwhile_gets_its_result(krita_scenes: Scenes) -> None:
    layers = krita_scenes["changed_meanwhile"]["resized"]["layers"]
    assert layers[0]["name"].endswith("(Echo)")
    assert layers[0]["bounds"] == layers[1]["bounds"] == [16, 13, 120, 96]


def test_a_document_that_was_scaled_meanwhile_is_left_alone(krita_scenes: Scenes) -> None:
    told = krita_scenes["changed_meanwhile"]["scaled"]
    assert names(told) == ["photo", "Background"]
    assert told["results"][0][1]  # it waits to be opened as a document of its own
    assert "another size" in told["hint"]


def test_a_layer_that_was_deleted_meanwhile_leaves_its_result_on_top(krita_scenes: Scenes) -> None:
    assert names(krita_scenes["deleted"]) == ["Deblurred (Echo)", "Background"]


def test_what_the_layer_had_the_result_has(krita_scenes: Scenes) -> None:
    scene = krita_scenes["properties"]
    assert scene["before"] == [200, "multiply", True, 3, True]
    assert scene["after"] == scene["before"]
    before, after = scene["undo"]
    assert after == [*before, "Add Layer"]


def test_a_copy_of_a_document_gets_its_own_result(krita_scenes: Scenes) -> None:
    scene = krita_scenes["copied"]
    assert scene["same"]  # the ids of its layers tell nothing
    original, copy = scene["layers"]
    assert "Deblurred (Echo)" not in original
    assert copy[-1] == "Deblurred (Echo)"
    assert scene["shown"] == ["Deblurred (Echo)"]


def test_a_layers_style_is_the_results_too(krita_scenes: Scenes) -> None:
    scene = krita_scenes["styled"]
    before, after = scene["styles"]
    assert "SoFi" in before
    assert after.count("SoFi") == before.count("SoFi")
