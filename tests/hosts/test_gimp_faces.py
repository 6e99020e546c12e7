"""*Faces* in GIMP, on the real engine with a small model of random weights: red spots are noses."""

import numpy as np
import pytest
from described import Layer, Scenes, restored
from engines import SmallEngine
from numpy.testing import assert_array_equal

NOSES = ((70, 110), (220, 90))


def around(number: int) -> tuple[slice, slice]:
    """Returns the middle of a face, and no other's."""
    x, y = NOSES[number]
    return slice(y - 40, y + 40), slice(x - 40, x + 40)


def asked(
    engine: SmallEngine, layer: Layer, mask: np.ndarray | None = None, **options: object
) -> np.ndarray:
    """Asks the engine for what the plug-in should have made of a layer."""
    wanted, facts = restored(engine.client, layer, "face", options, mask)
    assert [face["number"] for face in facts["faces"]] == [0, 1]
    return wanted


def test_all_faces_are_restored_into_a_new_layer(scenes: Scenes, small_engine: SmallEngine) -> None:
    scene = scenes["faces"]
    assert scene["status"] == "success", scene["text"]
    assert scene.names == ["Faces Restored (Small Faces)", "group"]
    new, old = scene.layers
    assert_array_equal(old.pixels, scene.layer("before").pixels)
    assert_array_equal(new.pixels, asked(small_engine, old))
    for number in (0, 1):
        assert (new.pixels[around(number)] != old.pixels[around(number)]).any()


def test_what_is_no_face_stays_to_the_bit(scenes: Scenes) -> None:
    new, old = scenes["faces"].layers
    changed = (new.pixels != old.pixels).any(axis=2)
    assert not changed[:, :5].any()
    assert not changed[:, 140:150].any()  # between the two
    assert not changed[190:].any()


def test_a_selection_in_a_face_has_the_whole_face_found(
    scenes: Scenes, small_engine: SmallEngine
) -> None:
    scene = scenes["one_face_of_two"]
    assert scene["status"] == "success", scene["text"]
    new, old = scene.layers
    selected = scene.layer("selected").pixels
    assert_array_equal(new.mask, selected)
    wanted = asked(small_engine, old, (selected[..., 0] > 0).astype(np.uint8) * 255)
    assert_array_equal(new.pixels, wanted)
    changed = (new.pixels != old.pixels).any(axis=2)
    assert changed.any()
    assert not changed[selected[..., 0] == 0].any()


def test_faces_can_be_chosen_by_number(scenes: Scenes, small_engine: SmallEngine) -> None:
    scene = scenes["the_other_face"]
    assert scene["status"] == "success", scene["text"]
    new, old = scene.layers
    assert_array_equal(new.pixels, asked(small_engine, old, faces="1"))
    first, second = ((new.pixels[around(n)] != old.pixels[around(n)]).any() for n in (0, 1))
    assert first != second
    assert new["recipe"]["options"]["faces"] == "1"


@pytest.mark.parametrize("words", ["No face was found", "Crop the picture"])
def test_no_face_is_told_with_what_to_do(scenes: Scenes, words: str) -> None:
    scene = scenes["no_face"]
    assert scene["status"] == "execution-error"
    assert words in scene["text"]
    assert scene.names == ["group"]
