"""What the plug-in does to pixels, against the engine's own answer to the same pixels."""

import described
import numpy as np
import pytest
from described import Layer, Scene, Scenes
from numpy.testing import assert_array_equal

from pixelmend.client.client import Client


def restored(engine: Client, layer: Layer, mask: np.ndarray | None = None) -> np.ndarray:
    """Asks the engine for what the plug-in should have made of a layer."""
    return described.restored(engine, layer, "deblur", {}, mask)[0]


def test_a_layer_is_restored_as_the_engine_restores_it(scenes: Scenes, engine: Client) -> None:
    scene = scenes["whole_layer"]
    new, old = scene.layers
    assert_array_equal(old.pixels, scene.layer("before").pixels)
    assert_array_equal(new.pixels, restored(engine, old))
    assert (new.pixels != old.pixels).mean() > 0.5


@pytest.mark.parametrize("kind", range(9))
def test_depth_encoding_and_profile_are_the_layers_own(
    scenes: Scenes, engine: Client, kind: int
) -> None:
    scene = Scene(scenes.folder, scenes["depths"]["kinds"][kind])
    assert scene["status"] == "success", scene["text"]
    before, (new, old) = scene.layer("before"), scene.layers
    assert new["format"] == old["format"] == before["format"]
    assert new.profile == before.profile
    assert_array_equal(old.pixels, before.pixels)
    assert_array_equal(new.pixels, restored(engine, old))


def test_kinds_of_layers_are_what_they_should_be(scenes: Scenes) -> None:
    formats = [kind["before"]["format"] for kind in scenes["depths"]["kinds"]]
    assert formats == [
        "R'G'B' u8",
        "RGBA u8",
        "Y' u8",
        "Y'A u16",
        "RGB u16",
        "RGB half",
        "RGBA float",
        "R~G~B~ float",
        "Y' float",
    ]


def test_a_feathered_selection_becomes_the_mask_of_the_new_layer(
    scenes: Scenes, engine: Client
) -> None:
    scene = scenes["feathered_selection"]
    new, old = scene.layers
    selected = scene.layer("selected").pixels
    assert np.count_nonzero((selected > 0) & (selected < 255)) > 0  # it is feathered
    assert_array_equal(new.mask, selected)
    some = np.where(selected > 0, 255, 0).astype(np.uint8)
    assert_array_equal(new.pixels, restored(engine, old, some))
    assert_array_equal(new.pixels[selected[..., 0] == 0], old.pixels[selected[..., 0] == 0])


def test_transparent_pixels_stay_and_are_not_shown_twice(scenes: Scenes) -> None:
    new, old = scenes["transparency"].layers
    assert_array_equal(new.pixels[..., 3], old.pixels[..., 3])
    clear = old.pixels[..., 3] == 0
    assert clear.any()
    assert_array_equal(new.pixels[clear], old.pixels[clear])
    assert (new["visible"], old["visible"]) == (True, False)


def test_an_opaque_layer_stays_visible_below(scenes: Scenes) -> None:
    assert [layer["visible"] for layer in scenes["opaque_alpha"].layers] == [True, True]


def test_a_layer_that_has_a_mask_keeps_it_and_the_selection_is_blended_in(
    scenes: Scenes, engine: Client
) -> None:
    scene = scenes["mask_and_selection"]
    new, old = scene.layers
    selected = scene.layer("selected").pixels
    assert_array_equal(new.mask, old.mask)
    assert_array_equal(new.pixels, restored(engine, old, selected))
    assert not old["visible"]


def test_options_reach_the_engine(scenes: Scenes) -> None:
    scene = scenes["options"]
    new, old = scene.layers
    assert_array_equal(new.pixels, old.pixels)  # strength 0
    assert new["recipe"]["options"] == {
        "model": "hi-diff-compact",
        "strength": 0.0,
        "seed": 5,
        "tile": 512,
        "device": "auto",
        "precision": "auto",
        "offline": False,
    }


def test_again_restores_the_original_into_the_same_layer(scenes: Scenes, engine: Client) -> None:
    scene = scenes["again"]
    (new,) = scene.layers
    source, before = scene.layer("source"), scene.layer("before")
    half, _ = engine.restore(source.raster(), "deblur", {"strength": 0.5})
    assert new["id"] == before["id"]
    assert new.data == half.data
    assert new.data != before.data
    assert new["recipe"]["options"]["strength"] == 0.5


def test_again_leaves_the_selection_alone(scenes: Scenes) -> None:
    assert scenes["again"]["bounds"] == [0, 0, 20, 20]
    assert scenes["again"]["channels"] == 0


def test_again_knows_what_was_selected_the_first_time(scenes: Scenes) -> None:
    scene = scenes["again_of_a_selection"]
    assert scene["status"] == "success", scene["text"]
    assert_array_equal(scene.layers[0].pixels, scene.layer("first").pixels)
