"""The faces of a picture are restored in its own depth, profile and size, and nothing else is."""

import numpy as np
import pytest
import torch
from marked_faces import (
    PORTRAIT,
    Changed,
    Given,
    GivenNetworks,
    Mild,
    marked,
    parse_by_hand,
    portrait,
)
from torch import Tensor
from torch.nn import functional

from pixelmend import wire
from pixelmend.errors import BadRequest, NoFaceFound
from pixelmend.wire import Raster
from pixelmend_engine.images.sample_types import DTYPES
from pixelmend_engine.nn.progress import STEPS, Progress
from pixelmend_engine.restoration.faces import face_restoration
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.face_batch import MOST_FACES, FaceResult, FaceSelection
from pixelmend_engine.restoration.faces.face_restoration import FaceModels

ALL = FaceSelection()
SMALL = marked(*((0.1 * x + 400, 0.1 * y + 400) for x, y in PORTRAIT.landmarks))


def restore(
    before: Raster,
    *faces: Face,
    runner: Mild | None = None,
    background: Tensor | None = None,
    networks: GivenNetworks | None = None,
    selection: FaceSelection = ALL,
    **how: float,
) -> tuple[Raster, list[str], list[FaceResult]]:
    models = FaceModels(
        networks=networks or GivenNetworks(find=Given(list(faces))),
        faces=runner or Mild(),
        background=None if background is None else Changed(lambda _, __: background),
    )
    return face_restoration.restore(before, selection, models, Progress(), **how)


def raster(sample_type: str = "U8", channels: str = "RGB", **facts: object) -> Raster:
    """The portrait as a front end may have it."""
    values = portrait()
    if channels.startswith("Y"):
        values = values.mean(axis=2, keepdims=True)
    if channels.startswith("BGR"):
        values = values[..., ::-1]
    if channels.endswith("A"):
        values = np.concatenate([values, np.ones((512, 512, 1), np.float32)], axis=2)
    kind = DTYPES[sample_type]
    if sample_type.startswith("U"):
        values = np.rint(values * (255 if sample_type == "U8" else 65535))
    return Raster(
        width=512,
        height=512,
        sample_type=sample_type,
        channels=channels,
        data=values.astype(kind).tobytes(),
        **facts,  # pyright: ignore[reportArgumentType]
    )


def samples_of(picture: Raster) -> np.ndarray:
    shape = (picture.height, picture.width, wire.CHANNELS[picture.channels])
    return np.frombuffer(picture.data, DTYPES[picture.sample_type]).reshape(shape)


@pytest.mark.parametrize(
    ("sample_type", "channels"),
    [("U8", "RGB"), ("U16", "RGB"), ("F32", "BGRA"), ("F16", "RGBA"), ("U8", "Y"), ("U16", "YA")],
)
def test_every_depth_comes_back_with_the_face_changed_and_the_rest_to_the_bit(
    sample_type: str, channels: str
) -> None:
    before = raster(sample_type, channels)
    after, notes, results = restore(before, PORTRAIT)
    assert (after.sample_type, after.channels, after.width) == (sample_type, channels, 512)
    changed = (samples_of(before) != samples_of(after)).any(axis=2)
    assert changed[127, 225]
    assert not changed[:38].any()
    assert not changed[195:].any()
    assert [result.number for result in results] == [0]
    assert not [note for note in notes if "left alone" in note]


def test_a_picture_without_faces_is_said_to_have_none() -> None:
    with pytest.raises(NoFaceFound) as raised:
        restore(raster())
    assert raised.value.exit_code == 11
    assert raised.value.hint


def test_where_the_background_is_restored_faces_may_be_missing() -> None:
    white = torch.ones(1, 3, 512, 512)
    after, _, results = restore(raster(), background=white)
    assert (samples_of(after) == 255).all()
    assert results == []


def test_faces_are_pasted_into_the_restored_background() -> None:
    after, _, _ = restore(raster(), PORTRAIT, background=torch.ones(1, 3, 512, 512))
    assert (samples_of(after)[300:] == 255).all()
    assert samples_of(after)[127, 225].min() < 200


def test_progress_counts_the_background_and_each_face() -> None:
    others = [marked(*((x + 9 * i, y) for x, y in PORTRAIT.landmarks)) for i in range(4)]
    white = torch.ones(1, 3, 512, 512)
    runner, steps = Mild(most=3), list[int]()
    models = FaceModels(
        networks=GivenNetworks(find=Given(others)),
        faces=runner,
        background=Changed(lambda _, __: white),
    )
    progress = Progress(lambda done, _: steps.append(done))
    face_restoration.restore(raster(), ALL, models, progress)
    assert steps == [STEPS // 5, 4 * STEPS // 5, STEPS]
    assert runner.remaining == [4, 1]


def test_a_selection_is_kept_to_and_chooses_its_faces() -> None:
    mask = np.zeros((512, 512), np.uint8)
    mask[100:130, 200:230] = 255
    before = raster(mask=mask.tobytes())
    other = marked(*((x, y + 250) for x, y in PORTRAIT.landmarks))
    runner = Mild()
    after, _, results = restore(before, PORTRAIT, other, runner=runner)
    changed = (samples_of(before) != samples_of(after)).any(axis=2)
    assert changed.any()
    assert not changed[mask == 0].any()
    assert runner.batches == [[0]]
    assert results[1].left_alone == "outside the selection"


def test_only_the_chosen_faces_are_restored() -> None:
    other = marked(*((x, y + 250) for x, y in PORTRAIT.landmarks))
    runner = Mild()
    selection = FaceSelection(numbers=(1,))
    _, notes, _ = restore(raster(), PORTRAIT, other, runner=runner, selection=selection)
    assert runner.batches == [[1]]
    assert not [note for note in notes if "left alone" in note]


def test_a_face_that_is_not_there_can_not_be_chosen() -> None:
    with pytest.raises(BadRequest, match="no face 3"):
        restore(raster(), PORTRAIT, selection=FaceSelection(numbers=(0, 3)))


def test_small_faces_are_left_alone_and_said_so_once() -> None:
    before = raster()
    after, notes, _ = restore(before, SMALL, SMALL)
    assert bytes(after.data) == bytes(before.data)
    assert notes == ["faces 0, 1 left alone: smaller than 32 pixels"]


def test_a_face_that_changed_is_said_so_with_what_to_do() -> None:
    detections = iter(
        [[PORTRAIT], [PORTRAIT], []]
    )  # in the picture, its square, and what came of it

    def find(image: Tensor) -> list[Face]:
        return next(detections)

    _, notes, (result,) = restore(raster(), networks=GivenNetworks(find, parse_by_hand))
    assert result.to_json()["changed"] is True
    assert any("changed noticeably" in note and "--fidelity" in note for note in notes)


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_faces_lie_where_they_should_in_an_enlarged_picture(scale: float) -> None:
    before = raster()
    after, _, _ = restore(before, PORTRAIT, scale=scale)
    assert (after.width, after.height) == (int(512 * scale), int(512 * scale))
    # Against the portrait restored in its own size, and enlarged afterwards.
    alone, _, _ = restore(before, PORTRAIT)
    samples = torch.from_numpy(samples_of(alone).astype(np.float32)).permute(2, 0, 1)[None]
    expected = functional.interpolate(samples, scale_factor=scale, mode="bicubic")[0]
    difference = (expected.permute(1, 2, 0).numpy() - samples_of(after)).mean(axis=2)
    # The face is finer than an enlarged one; a shift of a pixel would double what is left of it.
    assert np.abs(difference).mean() < 1.0
    assert np.abs(difference[int(100 * scale) : int(150 * scale)]).mean() < 1.5


def test_strength_weighs_the_change() -> None:
    before = raster("F32")
    whole, _, _ = restore(before, PORTRAIT)
    half, _, _ = restore(before, PORTRAIT, strength=0.5)
    change, halved = (samples_of(r) - samples_of(before) for r in (whole, half))
    np.testing.assert_allclose(halved, change / 2, atol=1e-6)


def test_faces_are_listed_with_a_picture_that_shows_them() -> None:
    preview, faces = face_restoration.find_faces(
        raster("U16", "YA"), GivenNetworks(find=Given([PORTRAIT])), 32
    )
    assert faces == [PORTRAIT]
    assert (preview.sample_type, preview.channels, preview.width, preview.height) == (
        "U8",
        "RGB",
        512,
        512,
    )


def test_what_describes_a_crowd_fits_into_a_header() -> None:
    crowd = [PORTRAIT] * (MOST_FACES + 20)
    preview, faces = face_restoration.find_faces(raster(), GivenNetworks(find=Given(crowd)), 32)
    assert len(faces) == MOST_FACES
    _, notes, results = restore(raster(), *crowd, selection=FaceSelection(min_size=9999))
    assert len(results) == MOST_FACES
    facts = {"faces": [result.to_json() for result in results], "notes": notes}
    (head, *_) = wire.encode(preview, facts)
    assert len(bytes(head)) < wire.MAX_HEADER
