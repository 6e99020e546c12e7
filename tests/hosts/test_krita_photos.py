"""*Restore Photo* and *Denoise* in Krita with DiffBIR, small and of random weights."""

import editor
import numpy as np
import pytest
from described import Layer, Scene, Scenes
from engines import SmallEngine
from numpy.testing import assert_array_equal

PHOTO = (slice(7, 103), slice(11, 131))  # rows and columns of the photograph
OPTIONS = {"model": "diffbir-v2.1", "steps": 2, "prompt": "a clock"}


@pytest.mark.parametrize(("task", "verb"), [("restore", "Restored"), ("denoise", "Denoised")])
def test_the_docker_gets_what_the_engine_makes(
    krita_scenes: Scenes, small_engine: SmallEngine, task: str, verb: str
) -> None:
    scene = Scene(krita_scenes.folder, krita_scenes["generated"][task])
    new, before = scene.layers[0], Layer(scene.folder, scene["before"]["layers"][0])
    assert new["name"] == f"{verb} (DiffBIR v2.1)"
    assert new["kind"] == "u16"
    mask = None
    inside = np.ones(before.pixels.shape[:2], bool)
    if scene["mask"]:
        data = (scene.folder / scene["mask"]).read_bytes()
        mask = np.frombuffer(data, np.uint8).reshape(inside.shape)
        inside = mask == 255
    profile = (scene.folder / scene["icc"]).read_bytes()
    given = editor.raster(before, profile, PHOTO, mask)
    result, facts = small_engine.client.restore(given, task, OPTIONS)
    assert facts["model"] == "diffbir-v2.1"
    wanted = before.pixels.copy()
    wanted[PHOTO] = np.frombuffer(result.data, np.uint16).reshape(96, 120, 4)
    assert_array_equal(new.pixels[inside], wanted[inside])
    changed = (new.pixels[PHOTO] != before.pixels[PHOTO])[..., :3]
    assert changed[inside[PHOTO]].mean() > 0.5
