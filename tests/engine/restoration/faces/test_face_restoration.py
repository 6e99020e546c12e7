"""The faces of a picture are restored in its own depth, profile and size, and nothing else is."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from marked_faces import PORTRAIT, Given, marked, mild_network, parse_by_hand, portrait
from torch import Tensor, nn
from torch.nn import functional

from pixelmend import wire
from pixelmend.errors import BadRequest, NoFaceFound
from pixelmend.wire import Raster
from pixelmend_engine.restoration.faces import face_restoration
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.face_batch import MOST_FACES, Tools
from pixelmend_engine.restoration.faces.face_restoration import Asked

TYPES = {"U8": np.uint8, "U16": np.uint16, "F16": np.float16, "F32": np.float32}
SMALL = marked(*((0.1 * x + 400, 0.1 * y + 400) for x, y in PORTRAIT.landmarks))


class Mild:
    """Restores faces with a small random network, and perhaps the background with another."""

    def __init__(self, background: Tensor | None = None, most: int = 1) -> None:
        self.network: nn.Module = mild_network()
        self.given = background
        self.most = most
        self.runs: list[tuple[list[int], int, int]] = []

    @property
    def has_background(self) -> bool:
        return self.given is not None

    def at_once(self) -> int:
        return self.most

    def faces(self, squares: Tensor, numbers: Sequence[int], run: int, runs: int) -> Tensor:
        self.runs.append((list(numbers), run, runs))
        return squares + self.network(squares)

    def background(self, image: Tensor, runs: int) -> Tensor | None:
        return self.given


def tools(*faces: Face) -> Tools:
    return Tools(find=Given(list(faces)), parse=parse_by_hand)


def raster(samples: str = "U8", channels: str = "RGB", **facts: object) -> Raster:
    """The portrait as a front end may have it."""
    values = portrait()
    if channels.startswith("Y"):
        values = values.mean(axis=2, keepdims=True)
    if channels.startswith("BGR"):
        values = values[..., ::-1]
    if channels.endswith("A"):
        values = np.concatenate([values, np.ones((512, 512, 1), np.float32)], axis=2)
    kind = np.dtype(TYPES[samples])
    if samples.startswith("U"):
        values = np.rint(values * (255 if samples == "U8" else 65535))
    return Raster(
        width=512,
        height=512,
        samples=samples,
        channels=channels,
        data=values.astype(kind).tobytes(),
        **facts,  # pyright: ignore[reportArgumentType]
    )


def samples_of(picture: Raster) -> np.ndarray:
    shape = (picture.height, picture.width, wire.CHANNELS[picture.channels])
    return np.frombuffer(picture.data, TYPES[picture.samples]).reshape(shape)


@pytest.mark.parametrize(
    ("samples", "channels"),
    [("U8", "RGB"), ("U16", "RGB"), ("F32", "BGRA"), ("F16", "RGBA"), ("U8", "Y"), ("U16", "YA")],
)
def test_every_depth_comes_back_with_the_face_changed_and_the_rest_to_the_bit(
    samples: str, channels: str
) -> None:
    before = raster(samples, channels)
    after, notes, results = face_restoration.restore(before, Asked(), tools(PORTRAIT), Mild())
    assert (after.samples, after.channels, after.width) == (samples, channels, 512)
    changed = (samples_of(before) != samples_of(after)).any(axis=2)
    assert changed[127, 225]
    assert not changed[:38].any()
    assert not changed[195:].any()
    assert [result.number for result in results] == [0]
    assert not [note for note in notes if "left alone" in note]


def test_a_picture_without_faces_is_said_to_have_none() -> None:
    with pytest.raises(NoFaceFound) as raised:
        face_restoration.restore(raster(), Asked(), tools(), Mild())
    assert raised.value.exit_code == 11
    assert raised.value.hint


def test_where_the_background_is_restored_faces_may_be_missing() -> None:
    white = torch.ones(1, 3, 512, 512)
    after, _, results = face_restoration.restore(raster(), Asked(), tools(), Mild(white))
    assert (samples_of(after) == 255).all()
    assert results == []


def test_faces_are_pasted_into_the_restored_background() -> None:
    models = Mild(torch.ones(1, 3, 512, 512))
    after, _, _ = face_restoration.restore(raster(), Asked(), tools(PORTRAIT), models)
    assert (samples_of(after)[300:] == 255).all()
    assert samples_of(after)[127, 225].min() < 200
    assert models.runs == [([0], 1, 2)]  # the background was the first run of two


def test_faces_that_go_together_are_counted_one_by_one() -> None:
    others = [marked(*((x + 9 * i, y) for x, y in PORTRAIT.landmarks)) for i in range(5)]
    models = Mild(torch.ones(1, 3, 512, 512), most=2)
    face_restoration.restore(raster(), Asked(), tools(*others), models)
    assert [(len(numbers), run, runs) for numbers, run, runs in models.runs] == [
        (2, 1, 6), (2, 3, 6), (1, 5, 6)
    ]  # fmt: skip


def test_a_selection_is_kept_to_and_chooses_its_faces() -> None:
    mask = np.zeros((512, 512), np.uint8)
    mask[100:130, 200:230] = 255
    before = raster(mask=mask.tobytes())
    other = marked(*((x, y + 250) for x, y in PORTRAIT.landmarks))
    models = Mild()
    after, _, results = face_restoration.restore(before, Asked(), tools(PORTRAIT, other), models)
    changed = (samples_of(before) != samples_of(after)).any(axis=2)
    assert changed.any()
    assert not changed[mask == 0].any()
    assert [numbers for numbers, _, _ in models.runs] == [[0]]
    assert results[1].left_alone == "outside the selection"


def test_only_the_chosen_faces_are_restored() -> None:
    other = marked(*((x, y + 250) for x, y in PORTRAIT.landmarks))
    models = Mild()
    _, notes, _ = face_restoration.restore(
        raster(), Asked(chosen=(1,)), tools(PORTRAIT, other), models
    )
    assert models.runs == [([1], 0, 1)]
    assert not [note for note in notes if "left alone" in note]


def test_a_face_that_is_not_there_can_not_be_chosen() -> None:
    with pytest.raises(BadRequest, match="no face 3"):
        face_restoration.restore(raster(), Asked(chosen=(0, 3)), tools(PORTRAIT), Mild())


def test_small_faces_are_left_alone_and_said_so_once() -> None:
    before = raster()
    after, notes, _ = face_restoration.restore(before, Asked(), tools(SMALL, SMALL), Mild())
    assert bytes(after.data) == bytes(before.data)
    assert notes == ["faces 0, 1 left alone: smaller than 32 pixels"]


def test_a_face_that_changed_is_said_so_with_what_to_do() -> None:
    found = iter([[PORTRAIT], [PORTRAIT], []])  # in the picture, its square, and what came of it

    def find(image: Tensor) -> list[Face]:
        return next(found)

    _, notes, (result,) = face_restoration.restore(
        raster(), Asked(), Tools(find, parse_by_hand), Mild()
    )
    assert result.to_json()["changed"] is True
    assert any("changed noticeably" in note and "--fidelity" in note for note in notes)


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_faces_lie_where_they_should_in_an_enlarged_picture(scale: float) -> None:
    before = raster()
    after, _, _ = face_restoration.restore(before, Asked(scale=scale), tools(PORTRAIT), Mild())
    assert (after.width, after.height) == (int(512 * scale), int(512 * scale))
    # Against the portrait restored in its own size, and enlarged afterwards.
    alone, _, _ = face_restoration.restore(before, Asked(), tools(PORTRAIT), Mild())
    seen = torch.from_numpy(samples_of(alone).astype(np.float32)).permute(2, 0, 1)[None]
    expected = functional.interpolate(seen, scale_factor=scale, mode="bicubic")[0]
    difference = (expected.permute(1, 2, 0).numpy() - samples_of(after)).mean(axis=2)
    # The face is finer than an enlarged one; a shift of a pixel would double what is left of it.
    assert np.abs(difference).mean() < 1.0
    assert np.abs(difference[int(100 * scale) : int(150 * scale)]).mean() < 1.5


def test_strength_weighs_the_change() -> None:
    before = raster("F32")
    whole, _, _ = face_restoration.restore(before, Asked(), tools(PORTRAIT), Mild())
    half, _, _ = face_restoration.restore(before, Asked(strength=0.5), tools(PORTRAIT), Mild())
    change, halved = (samples_of(r) - samples_of(before) for r in (whole, half))
    np.testing.assert_allclose(halved, change / 2, atol=1e-6)


def test_faces_are_listed_with_a_picture_that_shows_them() -> None:
    shown, faces = face_restoration.found(raster("U16", "YA"), Given([PORTRAIT]), 32)
    assert faces == [PORTRAIT]
    assert (shown.samples, shown.channels, shown.width, shown.height) == ("U8", "RGB", 512, 512)


def test_what_describes_a_crowd_fits_into_a_header() -> None:
    crowd = [PORTRAIT] * (MOST_FACES + 20)
    shown, faces = face_restoration.found(raster(), Given(crowd), 32)
    assert len(faces) == MOST_FACES
    _, notes, results = face_restoration.restore(
        raster(), Asked(min_size=9999), tools(*crowd), Mild()
    )
    assert len(results) == MOST_FACES
    facts = {"faces": face_restoration.facts(results), "notes": notes}
    (head, *_) = wire.encode(shown, facts)
    assert len(bytes(head)) < wire.MAX_HEADER
