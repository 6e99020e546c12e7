"""Faces in Krita: found, chosen by mouse, restored by a small model of random weights."""

import editor
import numpy as np
from described import Layer, Scenes
from engines import SmallEngine
from numpy.testing import assert_array_equal

PHOTO = (slice(7, 103), slice(11, 131))  # rows and columns of the photograph


def test_faces_are_found_before_anything_is_restored(krita_scenes: Scenes) -> None:
    scene = krita_scenes["faces_by_mouse"]
    assert scene["hidden"]
    assert scene["found"] == [True, 2, [0, 1]]


def test_a_click_on_a_box_leaves_its_face_out(
    krita_scenes: Scenes, small_engine: SmallEngine
) -> None:
    scene = krita_scenes["faces_by_mouse"]
    assert scene["without"] == [0]
    before = Layer(scene.folder, scene["before"]["layers"][0])
    profile = (scene.folder / scene["icc"]).read_bytes()
    given = editor.raster(before, profile, PHOTO, None)
    wanted, facts = small_engine.client.restore(given, "face", {"faces": "0"})
    assert [face["left_alone"] for face in facts["faces"]] == [None, "not chosen"]
    new = Layer(scene.folder, scene["restored"]["layers"][0])
    assert new["name"] == "Faces Restored (Small Faces)"
    assert_array_equal(new.pixels[PHOTO], np.frombuffer(wanted.data, np.uint8).reshape(96, 120, 4))
    assert (new.pixels[PHOTO] != before.pixels[PHOTO]).any()


def test_boxes_mean_nothing_once_the_layer_was_moved(krita_scenes: Scenes) -> None:
    scene = krita_scenes["faces_by_mouse"]
    assert "another layer" in scene["moved"]["headline"]
    assert "Find them again" in scene["moved"]["hint"]


def test_boxes_are_gone_with_their_document(krita_scenes: Scenes) -> None:
    assert krita_scenes["faces_by_mouse"]["forgotten"]
