"""Upscale and Fill Selection in Krita, with models of random weights: geometry, masks, places."""

import editor
import numpy as np
from described import Layer, Scene, Scenes
from numpy.testing import assert_array_equal

from pixelmend.client.client import Client

UPSCALER, FILLER = "diffir-realsr-x2", "diffir-inpaint-faces"
PHOTO = (slice(7, 103), slice(11, 131))  # rows and columns of the photograph
CANVAS = (slice(0, 130), slice(0, 160))


def asked(
    engine: Client,
    scene: Scene,
    place: tuple[slice, slice],
    task: str,
    model: str,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Asks the engine for what the docker should have made of the photograph."""
    before = Layer(scene.folder, scene["before"]["layers"][0])
    profile = (scene.folder / scene["icc"]).read_bytes()
    given = editor.raster(before, profile, place, mask)
    result, _ = engine.restore(given, task, {"model": model})
    shape = (result.height, result.width, before.pixels.shape[2])
    return np.frombuffer(result.data, before.pixels.dtype).reshape(shape)


def test_what_is_selected_is_enlarged_into_a_new_document(
    krita_scenes: Scenes, engine: Client
) -> None:
    scene = krita_scenes["upscaled_apart"]
    (new,) = scene.layers
    assert scene["size"] == [80, 60]
    assert scene["resolution"] == 144  # as large in print as it was with 72
    assert new["name"] == "photo, Upscaled (DiffIR RealSR x2)"
    selected = (slice(37, 67), slice(41, 81))
    assert_array_equal(new.pixels, asked(engine, scene, selected, "upscale", UPSCALER))


def test_enlarging_into_a_new_document_leaves_the_old_one_alone(krita_scenes: Scenes) -> None:
    scene = krita_scenes["upscaled_apart"]
    before, after = (
        [(told["name"], Layer(scene.folder, told).data) for told in layers]
        for layers in (scene["before"]["layers"], scene["old"])
    )
    assert before == after


def test_a_document_is_scaled_with_its_layers_where_that_is_asked_for(
    krita_scenes: Scenes, engine: Client
) -> None:
    scene = krita_scenes["upscaled_here"]
    assert scene["size"] == [320, 260]
    assert scene.names == ["Upscaled (DiffIR RealSR x2)", "photo", "Background"]
    assert scene.layers[0]["bounds"] == [22, 14, 240, 192]
    assert scene.layers[1]["bounds"] == [22, 14, 240, 192]
    wanted = asked(engine, scene, PHOTO, "upscale", UPSCALER)
    assert_array_equal(scene.layers[0].pixels[14:206, 22:262], wanted)


def test_scaling_the_document_is_one_step_of_undo_and_the_layer_another(
    krita_scenes: Scenes,
) -> None:
    assert krita_scenes["upscaled_here"]["undo"][-2:] == ["Scale Image", "Add Layer"]


def test_a_selection_is_filled_beyond_the_layer_too(krita_scenes: Scenes, engine: Client) -> None:
    scene = krita_scenes["filled_selection"]
    mask = np.frombuffer((scene.folder / scene["mask"]).read_bytes(), np.uint8).reshape(130, 160)
    new = scene.layers[0]
    assert new["name"] == "Filled (DiffIR Faces)"
    assert_array_equal(new.pixels[..., 3], mask)
    wanted = asked(engine, scene, CANVAS, "inpaint", FILLER, mask)
    inside = mask == 255
    assert inside[:7].any()  # above the photograph
    assert_array_equal(new.pixels[inside], wanted[inside])
    before = Layer(scene.folder, scene["before"]["layers"][0]).pixels
    assert (new.pixels[inside] != before[inside]).mean() > 0.5


def test_what_is_not_selected_is_not_filled(krita_scenes: Scenes) -> None:
    scene = krita_scenes["filled_selection"]
    mask = np.frombuffer((scene.folder / scene["mask"]).read_bytes(), np.uint8).reshape(130, 160)
    before, after = (
        Layer(scene.folder, told["merged"]).pixels for told in (scene["before"], scene.told)
    )
    assert_array_equal(after[mask == 0], before[mask == 0])


def test_filling_is_one_step_of_undo(krita_scenes: Scenes) -> None:
    scene = krita_scenes["filled_selection"]
    before, undone = (
        [(told["name"], Layer(scene.folder, told).data) for told in layers]
        for layers in (scene["before"]["layers"], scene["undone"])
    )
    assert before == undone


def test_without_a_selection_what_is_transparent_is_filled(
    krita_scenes: Scenes, engine: Client
) -> None:
    scene = krita_scenes["filled_transparency"]
    new = scene.layers[0]
    assert (new.pixels[..., 3] == 255).all()
    before = Layer(scene.folder, scene["before"]["layers"][0])
    assert_array_equal(new.pixels[PHOTO], before.pixels[PHOTO])
    assert_array_equal(new.pixels, asked(engine, scene, CANVAS, "inpaint", FILLER))


def test_nothing_to_fill_is_told_with_what_to_do(krita_scenes: Scenes) -> None:
    scene = krita_scenes["filled_transparency"]
    assert "Nothing says what is to be filled" in scene["nothing"]["headline"]
    assert "Select it" in scene["nothing"]["hint"]
    assert scene["left"] == ["Filled (DiffIR Faces)", "photo", "Background"]


def test_a_large_model_is_asked_for_before_it_is_fetched(krita_scenes: Scenes) -> None:
    scene = krita_scenes["asked"]
    assert scene["title"] == "DiffBIR v2.1"
    assert "License: " in scene["about"]
    download, decline, cancel = scene["buttons"]
    assert download.startswith("Download DiffBIR v2.1, ")
    assert (decline, cancel) == ("Use the small model", "&Cancel")
    assert scene["canceled"] == [True, 2]
    assert [sent["downloads"] for sent in scene["sent"]] == ["always", "never"]
    assert scene.names[0] == "Denoised (Echo)"
