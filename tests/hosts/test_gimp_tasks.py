"""Upscale and Fill Selection in GIMP, with models of random weights: geometry, masks, places."""

import numpy as np
import pytest
from described import Layer, Scenes, restored
from numpy.testing import assert_array_equal

from pixelmend.client.client import Client

UPSCALER, FILLER = "diffir-realsr-x2", "diffir-inpaint-faces"


def asked(
    engine: Client, layer: Layer, task: str, model: str, mask: np.ndarray | None = None
) -> np.ndarray:
    """Asks the engine for what the plug-in should have made of a layer."""
    return restored(engine, layer, task, {"model": model}, mask)[0]


def test_upscaling_makes_a_new_image_of_the_same_kind(scenes: Scenes, engine: Client) -> None:
    scene = scenes["upscaled_into_a_new_image"]
    assert scene["status"] == "success", scene["text"]
    (new,) = scene.layers
    before = scene.layer("before")
    assert scene["size"] == [320, 260]
    assert scene["resolution"] == [600, 300]
    assert (new["width"], new["height"], new["offsets"]) == (240, 192, [22, 14])
    assert (new["format"], new["opacity"], new.profile) == (before["format"], 80, before.profile)
    assert new["name"] == "Upscaled (DiffIR RealSR x2)"
    assert new.mask.shape[:2] == (192, 240)
    assert_array_equal(new.pixels, asked(engine, before, "upscale", UPSCALER))


def test_upscaling_into_a_new_image_leaves_the_old_one_alone(scenes: Scenes) -> None:
    scene = scenes["upscaled_into_a_new_image"]
    (old,) = (Layer(scenes.folder, told) for told in scene["old"])
    assert scene["old_size"] == [160, 130]
    assert old.data == scene.layer("before").data


def test_an_upscaled_layer_keeps_its_recipe_and_has_no_original_here(scenes: Scenes) -> None:
    scene = scenes["upscaled_into_a_new_image"]
    recipe = scene.layers[0]["recipe"]
    assert (recipe["task"], recipe["model"]) == ("upscale", UPSCALER)
    assert scene["again"]["status"] == "execution-error"
    assert "is gone" in scene["again"]["text"]


def test_upscaling_may_scale_the_image_instead(scenes: Scenes, engine: Client) -> None:
    scene = scenes["upscaled_here"]
    assert scene["status"] == "success", scene["text"]
    assert scene["same"]
    assert scene["size"] == [320, 260]
    assert scene.names == [
        "Upscaled (DiffIR RealSR x2)", "other", "Upscaled (DiffIR RealSR x2) #1", "photo",
    ]  # fmt: skip
    places = [(layer["offsets"], layer["width"], layer["height"]) for layer in scene.layers]
    assert places == [([40, 60], 240, 192)] * 2 + [([22, 14], 240, 192)] * 2
    wanted = asked(engine, scene.layer("before"), "upscale", UPSCALER)
    assert_array_equal(scene.layers[2].pixels, wanted)
    assert (scene.layers[3].pixels != wanted).any()  # GIMP's own scaling


def test_a_scale_that_the_model_lacks_is_told_and_changes_nothing(scenes: Scenes) -> None:
    scene = scenes["upscaled_by_what_no_model_does"]
    assert scene["status"] == "execution-error"
    assert "enlarges 2 times, not 4" in scene["text"]
    assert (scene["size"], scene.names) == ([160, 130], ["photo"])


def test_a_selection_is_filled_under_its_feathered_mask(scenes: Scenes, engine: Client) -> None:
    scene = scenes["filled_selection"]
    assert scene["status"] == "success", scene["text"]
    new, old = scene.layers
    selected = scene.layer("selected").pixels
    assert new["name"] == "Filled (DiffIR Faces)"
    assert_array_equal(old.pixels, scene.layer("before").pixels)
    assert_array_equal(new.mask, selected)
    hole = (selected[..., 0] > 0).astype(np.uint8) * 255
    wanted = asked(engine, old, "inpaint", FILLER, hole)
    assert_array_equal(new.pixels, wanted)
    assert (new.pixels[hole > 0] != old.pixels[hole > 0]).mean() > 0.5
    assert_array_equal(new.pixels[hole == 0], old.pixels[hole == 0])


def test_without_a_selection_what_is_transparent_is_filled(scenes: Scenes, engine: Client) -> None:
    scene = scenes["filled_transparency"]
    assert scene["status"] == "success", scene["text"]
    new, old = scene.layers
    assert (new.pixels[..., 3] == 255).all()
    assert_array_equal(new.pixels, asked(engine, scene.layer("before"), "inpaint", FILLER))
    opaque = old.pixels[..., 3] == 255
    assert_array_equal(new.pixels[opaque], old.pixels[opaque])


@pytest.mark.parametrize("words", ["Nothing says what is to be filled", "Select it"])
def test_nothing_to_fill_is_told_with_what_to_do(scenes: Scenes, words: str) -> None:
    scene = scenes["nothing_to_fill"]
    assert scene["status"] == "execution-error"
    assert words in scene["text"]
    assert scene.names == ["photo"]
