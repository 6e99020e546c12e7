"""What the plug-in itself does to images: the engine of these tests changes nothing."""

import numpy as np
import pytest
from described import Scenes
from numpy.testing import assert_array_equal

NAME = "Deblurred (Echo)"


def test_a_locked_layer_is_restored_into_a_locked_one(echo_scenes: Scenes) -> None:
    scene = echo_scenes["locked_pixels"]
    assert (scene["status"], scene["text"]) == ("success", "")
    assert scene.names == [NAME, "photo"]
    assert scene["locks"] == [True, True, True]
    assert_array_equal(scene.layers[0].pixels, scene.layers[1].pixels)


def test_again_of_a_locked_layer_says_so_before_the_wait(echo_scenes: Scenes) -> None:
    again = echo_scenes["locked_pixels"]["again"]
    assert again["status"] == "execution-error"
    assert "pixels of the layer are locked" in again["text"]


def test_again_knows_its_original_in_other_images(echo_scenes: Scenes) -> None:
    scene = echo_scenes["again_in_another_image"]
    assert scene["tattoos"][0] == scene["tattoos"][1]  # the number alone would take the wrong one
    assert scene["status"] == "execution-error"
    assert "is gone" in scene["text"]


def test_again_takes_the_original_and_no_copy_of_it(echo_scenes: Scenes) -> None:
    scene = echo_scenes["again_of_a_copy"]
    assert scene["status"] == "success", scene["text"]
    assert_array_equal(scene.layers[1].pixels, scene.layer("before").pixels)


@pytest.mark.parametrize("name", ["again_after_a_flip", "again_after_a_turn"])
def test_again_restores_where_the_mask_is_now(echo_scenes: Scenes, name: str) -> None:
    scene = echo_scenes[name]
    assert scene["status"] == "success", scene["text"]
    new, old = scene.layers
    shown = new.mask[..., 0] > 0
    assert np.count_nonzero(shown) == 20 * 24
    assert_array_equal(new.pixels[shown], old.pixels[shown])


def test_again_refuses_where_nothing_says_what_was_restored(echo_scenes: Scenes) -> None:
    scene = echo_scenes["again_after_a_flip_without_a_mask"]
    assert scene["status"] == "execution-error"
    assert "changed or turned" in scene["text"]


def test_scripts_without_a_layer_or_with_a_foreign_one_are_refused(echo_scenes: Scenes) -> None:
    scene = echo_scenes["scripts"]
    assert "No layer was named" in scene["none"]["text"]
    assert "belongs to another image" in scene["foreign"]["text"]
    assert scene["foreign_layers"] == 1


def test_scripts_may_ask_for_the_last_values(echo_scenes: Scenes) -> None:
    scene = echo_scenes["scripts"]
    assert scene["last"] == "success"
    assert scene.names == [NAME, "photo"]


KINDS = ("layer", "text", "group")
PROPERTIES = {  # and whether the source is hidden below the result, since it would be seen twice
    "with_shadow": True,
    "half": True,
    "multiplied": True,
    "masked": True,
    "with_mask_off": True,
    "tagged": False,
    "locked": False,
    "hidden": False,
}


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_layer_had_the_result_has(echo_scenes: Scenes, kind: str, name: str) -> None:
    told = echo_scenes["properties"][f"{kind} {name}"]
    assert told["status"] == "success", told["text"]
    before = {key: told["before"][key] for key in told["after"]}
    assert told["after"] == before
    seen = [
        (echo_scenes.folder / one).read_bytes() for one in (told["before"]["seen"], told["seen"])
    ]
    assert seen[0] == seen[1]  # the engine changes nothing
    assert told["visible"] == told["before"]["visible"]
    if kind == "layer":
        hidden = PROPERTIES[name] or name == "hidden"
        assert told["source_visible"] is not hidden


@pytest.mark.parametrize("place", ["here", "new"])
@pytest.mark.parametrize("name", ["half", "tagged", "locked"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_enlarged_has_what_it_had(
    echo_scenes: Scenes, kind: str, name: str, place: str
) -> None:
    told = echo_scenes["enlarged"][f"{kind} {name} {place}"]
    assert told["status"] == "success", told["text"]
    before, after = dict(told["before"]), dict(told["after"])
    assert after.pop("offsets") == [2 * each for each in before.pop("offsets")]
    assert after.pop("size") == [2 * each for each in before.pop("size")]
    assert after == {key: before[key] for key in after}
    if place == "here" and name == "half":
        assert told["source_visible"] is False


def test_a_new_image_has_guides_metadata_and_a_name_of_its_own(echo_scenes: Scenes) -> None:
    scene = echo_scenes["enlarged_apart"]
    assert sorted(place for _, place in scene["guides"]) == [60, 100]
    assert scene["comment"] == "a word"
    assert '<tag name="Exif.Image.Artist">Ann</tag>' in scene["metadata"]
    assert "holiday_upscaled" in scene["name"]
