"""*Restore Photo* and *Denoise* in GIMP with DiffBIR, small and of random weights."""

import numpy as np
from described import Layer, Scenes, restored
from engines import SmallEngine
from numpy.testing import assert_array_equal

MODEL = "diffbir-v2.1"


def asked(
    engine: SmallEngine, layer: Layer, task: str, mask: np.ndarray | None = None
) -> np.ndarray:
    """Asks the engine for what the plug-in should have made of a layer."""
    own = {"prompt": "a clock"} if task == "restore" else {"fidelity": 0.5}
    options = {"model": MODEL, "steps": 2, **own}
    wanted, facts = restored(engine.client, layer, task, options, mask)
    assert facts["model"] == MODEL
    return wanted


def test_a_photo_is_restored_into_a_new_layer_in_its_own_depth(
    scenes: Scenes, small_engine: SmallEngine
) -> None:
    scene = scenes["restored_photo"]
    assert scene["status"] == "success", scene["text"]
    assert scene.names == ["Restored (DiffBIR v2.1)", "photo"]
    new, old = scene.layers
    assert new["format"] == old["format"] == "R'G'B'A u16"
    assert_array_equal(old.pixels, scene.layer("before").pixels)
    assert_array_equal(new.pixels, asked(small_engine, old, "restore"))
    assert (new.pixels[..., :3] != old.pixels[..., :3]).mean() > 0.9
    assert new["recipe"]["options"]["prompt"] == "a clock"


def test_noise_is_removed_under_the_selection_alone(
    scenes: Scenes, small_engine: SmallEngine
) -> None:
    scene = scenes["denoised_selection"]
    assert scene["status"] == "success", scene["text"]
    new, old = scene.layers
    assert new["name"] == "Denoised (DiffBIR v2.1)"
    selected = scene.layer("selected").pixels
    assert_array_equal(new.mask, selected)
    hole = (selected[..., 0] > 0).astype(np.uint8) * 255
    assert_array_equal(new.pixels, asked(small_engine, old, "denoise", hole))
    assert (new.pixels[hole > 0] != old.pixels[hole > 0]).mean() > 0.5
    assert_array_equal(new.pixels[hole == 0], old.pixels[hole == 0])
