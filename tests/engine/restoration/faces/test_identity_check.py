"""The same person is taken for the same, another one for another."""

import cv2
import numpy as np
import pytest
import torch
from einops import rearrange
from marked_faces import PHOTOGRAPHS, PORTRAIT, Given, marked, parse_by_hand, photograph, portrait

from pixelmend_engine.restoration.faces import alignment, identity_check, pasting
from pixelmend_engine.restoration.faces.alignment import TEMPLATE, Matrix, Square
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.identity_check import LEAST_SIMILARITY, MOST_DRIFT


def matrix_of(face: Face) -> Matrix:
    matrix = alignment.matrix_of(face)
    assert matrix is not None
    return matrix


@pytest.fixture(scope="module")
def square() -> Square:
    return alignment.crop(portrait(), matrix_of(PORTRAIT))


@pytest.fixture(scope="module")
def mask(square: Square) -> np.ndarray:
    return pasting.face_mask(parse_by_hand(square))


def degraded(square: Square, sigma: float, shrink: int, noise: float, quality: int) -> Square:
    """What an old scan or a compressed video leaves of a face."""
    side = alignment.SIDE // shrink
    blurred = cv2.GaussianBlur(square, (0, 0), sigma)
    small = np.asarray(cv2.resize(blurred, (side, side)), np.float32)
    draws = np.random.default_rng(0).standard_normal(small.shape)
    small = np.clip(small + draws * noise / 255, 0, 1)
    _, file = cv2.imencode(
        ".jpg", (small * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    read = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.float32) / 255
    return np.asarray(cv2.resize(read, (alignment.SIDE, alignment.SIDE)), np.float32)


def shifted(x: float) -> np.ndarray:
    """The template's landmarks, moved to the right."""
    return TEMPLATE + np.array([x, 0.0])


def placed(points: np.ndarray) -> Face:
    return marked(*((float(x), float(y)) for x, y in points))


def test_a_face_is_like_itself(square: Square, mask: np.ndarray) -> None:
    assert identity_check.similarity(square, square, mask) == pytest.approx(1)
    assert identity_check.drift(TEMPLATE, TEMPLATE) == 0


def test_drift_is_measured_in_distances_between_the_eyes() -> None:
    between = float(np.linalg.norm(TEMPLATE[1] - TEMPLATE[0]))
    assert identity_check.drift(TEMPLATE, shifted(between)) == pytest.approx(1)
    one = TEMPLATE.copy()
    one[4, 1] += between / 2
    assert identity_check.drift(TEMPLATE, one) == pytest.approx(0.1)
    assert identity_check.drift(3 * TEMPLATE, 3 * one) == pytest.approx(0.1)


def test_the_strongest_degradation_of_training_leaves_the_person(
    square: Square, mask: np.ndarray
) -> None:
    poor = degraded(square, 12, 12, 15, 30)  # the limits of the published degradation
    assert identity_check.similarity(poor, square, mask) > LEAST_SIMILARITY


def test_a_brighter_face_is_the_same(square: Square, mask: np.ndarray) -> None:
    assert identity_check.similarity(square, 0.8 * square + 0.2, mask) > 0.95


def test_features_that_move_are_noticed(square: Square, mask: np.ndarray) -> None:
    mirrored = np.ascontiguousarray(square[::-1])
    assert identity_check.similarity(square, mirrored, mask) < LEAST_SIMILARITY


def test_of_several_faces_the_one_in_the_middle_counts(square: Square) -> None:
    faces = [placed(shifted(200)), placed(shifted(2)), placed(TEMPLATE - (0, 150))]
    points = identity_check.landmarks_in(square, Given(faces))
    assert points is not None
    np.testing.assert_allclose(points, shifted(2))
    assert identity_check.landmarks_in(square, Given([])) is None


class InTurn:
    """A detector that was told what to say, once for each square."""

    def __init__(self, *answers: list[Face]) -> None:
        self.answers = list(answers)

    def __call__(self, image: torch.Tensor) -> list[Face]:
        assert image.shape == rearrange(image, "1 c h w -> 1 c h w", c=3).shape
        return self.answers.pop(0)


def test_a_face_that_moved_has_changed(square: Square, mask: np.ndarray) -> None:
    matrix = matrix_of(PORTRAIT)
    between = float(np.linalg.norm(TEMPLATE[1] - TEMPLATE[0]))
    for share, changed in ((0.5, False), (1.5, True)):
        moved = placed(shifted(share * MOST_DRIFT * between))
        find = InTurn([placed(TEMPLATE)], [moved])
        compared = identity_check.check_identity(square, square, PORTRAIT, matrix, find, mask)
        assert compared.drift == pytest.approx(share * MOST_DRIFT, rel=1e-6)
        assert compared.changed is changed


def test_where_the_detector_sees_nothing_in_a_poor_face_the_picture_counts(
    square: Square, mask: np.ndarray
) -> None:
    matrix = matrix_of(PORTRAIT)
    there = placed(alignment.apply(matrix, PORTRAIT.points))
    compared = identity_check.check_identity(
        square, square, PORTRAIT, matrix, InTurn([], [there]), mask
    )
    assert compared.drift == pytest.approx(0, abs=1e-9)
    assert not compared.changed


def test_a_face_that_is_gone_has_changed(square: Square, mask: np.ndarray) -> None:
    compared = identity_check.check_identity(
        square, square, PORTRAIT, matrix_of(PORTRAIT), InTurn([placed(TEMPLATE)], []), mask
    )
    assert compared.drift is None
    assert compared.changed
    assert "no face" in compared.in_words()
    assert compared.to_json() == {"drift": None, "similarity": 1.0, "changed": True}


def test_a_square_without_face_is_compared_as_a_whole(square: Square) -> None:
    none = np.zeros((alignment.SIDE, alignment.SIDE), np.float32)
    assert identity_check.similarity(square, square, none) == pytest.approx(1)


ONE_PERSON = [name for name, faces in PHOTOGRAPHS.items() if len(faces) == 1]


@pytest.mark.parametrize("name", ONE_PERSON)
def test_other_people_are_other_people(name: str, square: Square, mask: np.ndarray) -> None:
    other = alignment.crop(photograph(name), matrix_of(PHOTOGRAPHS[name][0]))
    assert identity_check.similarity(square, other, mask) < LEAST_SIMILARITY - 0.05
    poor = degraded(other, 12, 12, 15, 30)
    assert identity_check.similarity(poor, other, mask) > LEAST_SIMILARITY
