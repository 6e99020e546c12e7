"""The faces of a picture are chosen, restored together, put back, and compared."""

import itertools
import tracemalloc
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from einops import rearrange
from marked_faces import (
    PHOTOGRAPHS,
    PORTRAIT,
    Changed,
    Given,
    GivenNetworks,
    Mild,
    marked,
    photograph,
    portrait,
    unchanged,
)
from torch import Tensor

from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.faces import alignment, face_batch
from pixelmend_engine.restoration.faces.alignment import Pixels, Square
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.face_batch import FaceResult, FaceSelection, select

ALL = FaceSelection()
NETWORKS = GivenNetworks(find=Given([]))
COLORS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)], np.float32)


def moved(face: Face, x: float, y: float, scale: float = 1.0) -> Face:
    return marked(*((scale * px + x, scale * py + y) for px, py in face.landmarks))


def run(
    picture: Pixels,
    faces: list[Face],
    runner: Mild,
    networks: GivenNetworks = NETWORKS,
    selection: FaceSelection = ALL,
) -> tuple[Pixels, list[FaceResult]]:
    crops, _ = select(faces, selection, *picture.shape[:2])
    canvas = picture.copy()
    results = face_batch.restore_faces(picture, canvas, crops, networks, runner, Progress())
    return canvas, results


def numbers(faces: list[Face], **selection: object) -> list[int]:
    crops, _ = select(faces, FaceSelection(**selection), 512, 512)  # pyright: ignore[reportArgumentType]
    return [crop.number for crop in crops]


def test_all_faces_are_restored_unless_some_are_chosen() -> None:
    faces = [PORTRAIT, moved(PORTRAIT, 150, 20), moved(PORTRAIT, -100, 200)]
    assert numbers(faces) == [0, 1, 2]
    assert numbers(faces, numbers=(0, 2)) == [0, 2]
    _, alone = select(faces, FaceSelection(numbers=(1,)), 512, 512)
    assert [(result.number, result.left_alone) for result in alone] == [
        (0, "not chosen"), (2, "not chosen")
    ]  # fmt: skip


def test_small_faces_are_left_alone_and_said_so() -> None:
    small = moved(PORTRAIT, 0, 0, scale=0.2)
    assert 15 < small.size < 32
    crops, alone = select([PORTRAIT, small], FaceSelection(), 512, 512)
    assert [crop.number for crop in crops] == [0]
    assert "smaller than 32 pixels" in str(alone[0].left_alone)
    assert numbers([PORTRAIT, small], min_size=10) == [0, 1]
    assert numbers([PORTRAIT, small], min_size=400) == []


def test_a_selection_chooses_the_faces_in_it() -> None:
    faces = [PORTRAIT, moved(PORTRAIT, 10, 300, 0.8)]
    area = np.zeros((512, 512), bool)
    area[90:100, 200:210] = True
    assert numbers(faces, area=area) == [0]


def test_no_faces_are_left_over() -> None:
    outside = moved(PORTRAIT, 5000, 0)
    degenerate = marked(*[(5.0, 5.0)] * 5)
    crops, alone = select([outside, degenerate, PORTRAIT], FaceSelection(min_size=0), 512, 512)
    assert sorted([crop.number for crop in crops] + [o.number for o in alone]) == [0, 1, 2]


def test_the_portrait_goes_the_whole_way() -> None:
    picture, restore = portrait(), Mild()
    restored, results = run(picture, [PORTRAIT], restore)
    assert restore.batches == [[0]]
    assert results[0].left_alone is None
    changed = (restored != picture).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    matrix = alignment.matrix_of(PORTRAIT)
    assert matrix is not None
    # The oval that was marked by hand, and twice the 50 pixels that the feather is wide.
    oval = np.array([(126.0, 140.0), (386.0, 480.0)])
    feather = np.array([(26.0, 40.0), (486.0, 502.0)])
    (left, top), (right, bottom) = alignment.apply(alignment.inverse(matrix), oval)
    assert rows[0] <= top < bottom <= rows[-1]
    assert columns[0] <= left < right <= columns[-1]
    (left, top), (right, bottom) = alignment.apply(alignment.inverse(matrix), feather)
    # The portrait's head is turned by three degrees.
    assert top - 6 <= rows[0] < rows[-1] <= bottom + 6
    assert left - 6 <= columns[0] < columns[-1] <= right + 6


def test_a_restoration_that_changes_nothing_changes_hardly_anything() -> None:
    picture = portrait()
    restored, _ = run(picture, [PORTRAIT], Changed(unchanged))
    assert np.abs(restored - picture).mean() < 0.1 / 255


class Markers:
    """A detector for pictures in which landmarks are spots of five colors."""

    def __call__(self, image: Tensor) -> list[Face]:
        pixels = rearrange(image, "1 c h w -> h w c").numpy()
        y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        points: list[tuple[float, float]] = []
        for color in COLORS:
            weight = np.clip(0.4 - np.abs(pixels - color).max(axis=2), 0, None)
            if weight.sum() == 0:
                return []
            points.append(
                (float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum()))
            )
        return [marked(*points)]


def with_markers(picture: Pixels, face: Face) -> Pixels:
    painted = picture * 0.1 + 0.45  # gray enough not to be taken for a spot
    for (x, y), color in zip(face.landmarks, COLORS, strict=True):
        center = (round(16 * x), round(16 * y))
        cv2.circle(painted, center, 16 * 3, color.tolist(), cv2.FILLED, cv2.LINE_AA, 4)
    return painted


@pytest.mark.parametrize("shift", [0, 5, 30])
def test_drift_is_that_of_the_landmarks(shift: int) -> None:
    picture = with_markers(portrait(), PORTRAIT)

    def shifting(squares: Tensor, numbers: Sequence[int]) -> Tensor:
        return torch.roll(squares, shift, dims=3)

    networks = GivenNetworks(find=Markers())
    _, results = run(picture, [PORTRAIT], Changed(shifting), networks)
    identity = results[0].identity_check
    assert identity is not None
    # The eyes are 134 pixels of the square apart, as they were marked.
    assert identity.drift == pytest.approx(shift / 134.5, abs=2e-3)
    assert identity.changed is (shift == 30)


def test_geometry_is_exact_through_the_whole_way() -> None:
    picture = with_markers(portrait(), PORTRAIT)
    (actual,) = Markers()(rearrange(torch.from_numpy(picture), "h w c -> 1 c h w"))
    np.testing.assert_allclose(actual.points, PORTRAIT.points, atol=0.1)  # spots are drawn in 1/16
    restored, _ = run(picture, [PORTRAIT], Changed(unchanged))
    (again,) = Markers()(rearrange(torch.from_numpy(restored), "h w c -> 1 c h w"))
    np.testing.assert_allclose(again.points, actual.points, atol=0.05)


def test_of_overlapping_faces_the_larger_one_is_in_front() -> None:
    picture = np.full((600, 600, 3), 0.5, np.float32)
    large, small = moved(PORTRAIT, -200, 50, 2.0), moved(PORTRAIT, 60, 100, 1.4)

    def painted(squares: Tensor, numbers: Sequence[int]) -> Tensor:
        colors = rearrange(torch.tensor(numbers, dtype=torch.float32), "n -> n 1 1 1")
        return colors.expand_as(squares)

    for faces, most in itertools.product(([large, small], [small, large]), (1, 2)):
        restored, _ = run(picture, faces, Changed(painted, most))
        value = float(faces.index(large))
        x, y = (int(side) for side in large.points[2])
        assert restored[y, x, 0] == pytest.approx(value, abs=1e-4)


def group(count: int) -> tuple[Pixels, list[Face]]:
    """A group photo: the portrait many times, in different sizes."""
    head = pixels_of_head()
    picture = np.full((5 * 240, 6 * 240, 3), 0.4, np.float32)
    faces: list[Face] = []
    for number in range(count):
        scale = 0.6 + 0.02 * number
        row, column = divmod(number, 6)
        small = np.asarray(cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        top, left = row * 240, column * 240
        picture[top : top + small.shape[0], left : left + small.shape[1]] = small
        faces.append(moved(PORTRAIT, left - 140 * scale, top - 20 * scale, scale))
    return picture, faces


def pixels_of_head() -> Pixels:
    return np.ascontiguousarray(portrait()[20:210, 140:320])


@pytest.mark.parametrize("most", [1, 8, 100])
def test_thirty_faces_are_all_restored_as_many_together_as_is_said(most: int) -> None:
    picture, faces = group(30)
    restore = Mild(most=most)
    restored, results = run(picture, faces, restore)
    smallest_first = list(range(30))  # as `group` makes them
    expected = [smallest_first[start : start + most] for start in range(0, 30, most)]
    assert restore.batches == expected
    assert [result.number for result in results] == smallest_first
    assert all(result.left_alone is None for result in results)
    for number in (0, 17, 29):
        alone, _ = run(picture, faces, Mild(), selection=FaceSelection(numbers=(number,)))
        left, top, right, bottom = (int(side) for side in faces[number].box)
        part = (slice(top, bottom), slice(left, right))
        np.testing.assert_allclose(alone[part], restored[part], atol=1e-6)  # rounding


def test_how_many_go_together_is_asked_before_each_batch() -> None:
    picture, faces = group(6)
    sizes = iter([3, 1, 2])

    class Shrinking(Mild):
        def max_batch_size(self, height: int, width: int) -> int:
            return next(sizes)

    restore = Shrinking()
    run(picture, faces, restore)
    assert restore.batches == [[0, 1, 2], [3], [4, 5]]
    assert restore.remaining == [6, 3, 2]


@pytest.mark.parametrize("most", [1, 8])
def test_thirty_faces_take_the_memory_of_those_that_go_together(most: int) -> None:
    picture, faces = group(30)
    peaks: list[int] = []
    for count in (most, 30):
        tracemalloc.start()
        run(picture, faces[-count:], Changed(unchanged, most))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # numpy's and OpenCV's arrays are counted; one square in float32 has 3 MB, thirty have 94.
    assert peaks[1] < peaks[0] + 3_000_000


def test_what_leaves_the_range_of_colors_is_cut_off() -> None:
    square = np.full((512, 512, 3), 0.5, np.float32)
    runner = Changed(lambda images, _: images + 2)
    (inputs,) = face_batch.restore_squares([square], [0], runner, Progress(), 1)
    assert inputs.max() == 1


def test_where_no_face_is_left_nothing_is_pasted() -> None:
    def nothing(square: Square) -> np.ndarray:
        return np.zeros((512, 512), np.uint8)

    picture = portrait()
    restored, results = run(picture, [PORTRAIT], Mild(), GivenNetworks(Given([]), nothing))
    assert (restored == picture).all()
    assert "no face" in str(results[0].left_alone)


def test_an_outcome_says_all_there_is_to_say() -> None:
    _, (result,) = run(portrait(), [PORTRAIT], Changed(unchanged), GivenNetworks(Given([PORTRAIT])))
    answer = result.to_json()
    assert answer["number"] == 0
    assert answer["left_alone"] is None
    assert answer["landmarks"][0] == [203.6, 101.3]
    assert answer["drift"] == 0
    assert answer["similarity"] == pytest.approx(1, abs=1e-3)
    assert answer["changed"] is False


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_go_the_whole_way(name: str) -> None:
    picture, faces = photograph(name), list(PHOTOGRAPHS[name])
    find = Markers()
    painted = picture
    for face in faces:
        painted = with_markers(painted, face) if face is faces[0] else painted
    restored, results = run(picture, faces, Mild())
    assert len(results) == len(faces)
    changed = (restored != picture).any(axis=2)
    for face in faces:
        x, y = (int(side) for side in face.points[2])
        assert changed[y, x]
    assert changed.mean() < 0.6
    (before,) = find(rearrange(torch.from_numpy(painted), "h w c -> 1 c h w"))
    again, _ = run(painted, faces[:1], Changed(unchanged))
    (after,) = find(rearrange(torch.from_numpy(again), "h w c -> 1 c h w"))
    np.testing.assert_allclose(after.points, before.points, atol=0.2)


def test_gray_pictures_stay_gray() -> None:
    gray = np.repeat(portrait().mean(axis=2, keepdims=True), 3, axis=2)
    restored, _ = run(gray, [PORTRAIT], Changed(unchanged))
    np.testing.assert_allclose(restored[..., 0], restored[..., 2], atol=1e-6)
