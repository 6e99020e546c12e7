"""Krita's pixels: what comes back is what the engine makes of them, to the bit."""

import editor
import numpy as np
import pytest
from described import Layer, Scene, Scenes

from pixelmend.client.client import Client

PLACE = (slice(7, 103), slice(11, 131))  # rows and columns of the photograph
KINDS = (
    "wide U8",
    "linear U16",
    "sRGB U16",
    "linear F16",
    "linear F32",
    "gray U8",
    "gray linear U16",
    "gray linear F16",
    "gray F32",
)


def expected(
    client: Client, layer: Layer, profile: bytes, mask: np.ndarray | None = None
) -> np.ndarray:
    """Asks the engine itself for what has to become of the photograph."""
    raster = editor.raster(layer, profile, PLACE, mask)
    result, _ = client.restore(raster, "deblur", {})
    shape = (result.height, result.width, layer.pixels.shape[2])
    return np.frombuffer(result.data, layer.pixels.dtype).reshape(shape)


def mask_of(scene: Scene, name: str) -> np.ndarray:
    """Reads a selection: rows and columns of the canvas."""
    return np.frombuffer((scene.folder / scene[name]).read_bytes(), np.uint8).reshape(130, 160)


@pytest.mark.parametrize("number", range(len(KINDS)), ids=KINDS)
def test_every_depth_goes_there_and_back_to_the_bit(
    krita_scenes: Scenes, engine: Client, number: int
) -> None:
    told = krita_scenes["kinds"]["kinds"][number]
    before = Layer(krita_scenes.folder, told["before"])
    after = Layer(krita_scenes.folder, told["layers"][0])
    profile = (krita_scenes.folder / told["icc"]).read_bytes()
    assert after["color_profile"] == before["color_profile"]
    wanted = expected(engine, before, profile)
    assert np.array_equal(after.pixels[PLACE], wanted)
    assert not np.array_equal(after.pixels[PLACE], before.pixels[PLACE])


@pytest.mark.parametrize("number", range(len(KINDS)), ids=KINDS)
def test_nothing_is_said_of_profiles_that_could_not_be_read(
    krita_scenes: Scenes, number: int
) -> None:
    assert "assumed" not in krita_scenes["kinds"]["kinds"][number]["hint"]


def test_nothing_lies_beside_the_photograph(krita_scenes: Scenes) -> None:
    after = krita_scenes["whole_layer"]["after"]
    pixels = Layer(krita_scenes.folder, after["layers"][0]).pixels.copy()
    pixels[PLACE] = 0
    assert not pixels.any()


def test_a_feathered_selection_becomes_the_transparency_of_the_result(
    krita_scenes: Scenes, engine: Client
) -> None:
    scene = krita_scenes["feathered_selection"]
    mask = mask_of(scene, "mask")
    before = Layer(scene.folder, scene["before"]["layers"][0])
    assert (mask < 255).sum() > 0
    assert len(np.unique(mask)) > 20
    result = scene.layers[0].pixels
    assert np.array_equal(result[..., 3], mask)
    assert (before.pixels[PLACE][..., 3] == 255).all()


def test_what_is_not_selected_stays_to_the_bit(krita_scenes: Scenes) -> None:
    scene = krita_scenes["feathered_selection"]
    outside = mask_of(scene, "mask") == 0
    before = Layer(scene.folder, scene["before"]["merged"]).pixels
    after = Layer(scene.folder, scene["merged"]).pixels
    assert np.array_equal(after[outside], before[outside])
    assert not np.array_equal(after[~outside], before[~outside])


def test_what_is_wholly_selected_is_what_the_engine_makes_of_it(
    krita_scenes: Scenes, engine: Client
) -> None:
    scene = krita_scenes["feathered_selection"]
    mask = mask_of(scene, "mask")
    before = Layer(scene.folder, scene["before"]["layers"][0])
    profile = (krita_scenes.folder / krita_scenes["whole_layer"]["icc"]).read_bytes()
    # The layer is smaller than the selection with its surroundings, so all of it was sent.
    wanted = expected(engine, before, profile, mask)
    inside = mask[PLACE] == 255
    assert inside.sum() > 100
    assert np.array_equal(scene.layers[0].pixels[PLACE][inside], wanted[inside])


def test_a_deep_and_transparent_layer_is_masked_in_its_own_depth(krita_scenes: Scenes) -> None:
    scene = krita_scenes["deep_selection"]
    mask = mask_of(scene, "mask").astype(np.float64) / 255
    before = Layer(scene.folder, scene["before"]["layers"][0]).pixels[..., 3].astype(np.float64)
    after = scene.layers[0].pixels[..., 3].astype(np.float64)
    assert np.abs(after - before * mask).max() <= 1  # Krita rounds once


def test_the_selection_is_as_it_was(krita_scenes: Scenes) -> None:
    scene = krita_scenes["feathered_selection"]
    assert np.array_equal(mask_of(scene, "kept"), mask_of(scene, "mask"))


@pytest.mark.parametrize("number", [0, 1], ids=["CMYK", "Lab"])
def test_other_models_are_converted_and_it_is_said(krita_scenes: Scenes, number: int) -> None:
    told = krita_scenes["other_models"]["models"][number]
    before = Layer(krita_scenes.folder, told["before"]).pixels.astype(int)
    after = Layer(krita_scenes.folder, told["after"]).pixels.astype(int)
    assert "was converted to RGB" in told["hint"]
    difference = np.abs(after - before)
    # What the model changes is small in the mean; a wrong conversion would not be.
    assert 0 < difference[PLACE].mean() < 6
    outside = np.ones(difference.shape, bool)
    outside[PLACE] = False
    assert difference[outside].max() == 0


def test_a_gray_layer_in_a_color_document_looks_the_same(krita_scenes: Scenes) -> None:
    scene = krita_scenes["gray_layer_in_color"]
    before, after = (scene.layer(name).pixels.astype(int) for name in ("before", "after"))
    assert scene.layers[0]["model"] == "RGBA"
    assert 0 < np.abs(after - before)[PLACE].mean() < 6


def test_everything_visible_is_restored_where_that_is_asked_for(krita_scenes: Scenes) -> None:
    scene = krita_scenes["merged"]
    assert scene.layers[0]["bounds"] == [0, 0, 160, 130]
    before = Layer(scene.folder, scene["before"]["merged"]).pixels.astype(int)
    after = scene.layers[0].pixels.astype(int)
    assert 0 < np.abs(after - before).mean() < 6


def test_masks_of_a_layer_are_seen_in_its_result(krita_scenes: Scenes) -> None:
    told = krita_scenes["group_and_mask"]["masked"]
    result = Layer(krita_scenes.folder, told["layers"][0]).pixels
    assert result[50, 50, 3] == 255
    assert not result[50, 100:].any()
