"""Faces are taken out of pictures upright, whatever their size and turn, and brought back."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked_faces import PHOTOGRAPHS, PORTRAIT, marked, photograph, portrait

from pixelmend_engine.restoration.faces import alignment
from pixelmend_engine.restoration.faces.alignment import SIDE, TEMPLATE, Matrix
from pixelmend_engine.restoration.faces.face import Face


def turned(angle: float, scale: float, x: float, y: float) -> Face:
    """The template's face, turned by degrees, of another size, somewhere."""
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, scale)
    points = alignment.apply(np.asarray(matrix), TEMPLATE) - SIDE / 2 + (x, y)
    return marked(*((float(px), float(py)) for px, py in points))


def matrix_of(face: Face) -> Matrix:
    matrix = alignment.matrix_of(face)
    assert matrix is not None
    return matrix


@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.02, 8),
    x=st.floats(-500, 5000),
    y=st.floats(-500, 5000),
)
def test_every_turned_face_comes_to_lie_on_the_template(
    angle: float, scale: float, x: float, y: float
) -> None:
    face = turned(angle, scale, x, y)
    matrix = matrix_of(face)
    # OpenCV fits in float32: 1e-6 of coordinates up to 5000, enlarged up to 50 times.
    tolerance = 0.01 + 5e-6 * max(abs(x), abs(y), 512) * alignment.scale_of(matrix)
    np.testing.assert_allclose(alignment.apply(matrix, face.points), TEMPLATE, atol=tolerance)


@given(angle=st.floats(-180, 180), scale=st.floats(0.05, 4), x=st.floats(-200, 900))
def test_a_way_back_ends_where_it_began(angle: float, scale: float, x: float) -> None:
    matrix = matrix_of(turned(angle, scale, x, 300))
    there = alignment.apply(matrix, np.array([(0.0, 0.0), (511, 0), (256, 400)]))
    back = alignment.apply(alignment.inverse(matrix), there)
    np.testing.assert_allclose(back, [(0, 0), (511, 0), (256, 400)], atol=1e-6)


def test_one_landmark_that_is_wrong_changes_nothing() -> None:
    face = turned(20, 0.5, 300, 300)
    wrong = (*face.landmarks[:2], (face.landmarks[2][0] + 40, face.landmarks[2][1]))
    profile = marked(*wrong, *face.landmarks[3:])
    np.testing.assert_allclose(matrix_of(profile), matrix_of(face), atol=1e-3)


def test_landmarks_in_one_place_are_no_face() -> None:
    assert alignment.matrix_of(marked(*[(5.0, 5.0)] * 5)) is None


@pytest.mark.parametrize("angle", [0, 90, 180, -37.5])
def test_a_turned_portrait_gives_the_same_face(angle: float) -> None:
    picture = portrait()
    turn = np.asarray(cv2.getRotationMatrix2D((225, 120), angle, 1), np.float64)
    turn[:, 2] += (30, 130)  # so that the turned face is all in the picture
    size = (600, 600)
    rotated = np.asarray(cv2.warpAffine(picture, turn, size, flags=cv2.INTER_CUBIC), np.float32)
    face = marked(*((float(x), float(y)) for x, y in alignment.apply(turn, PORTRAIT.points)))
    upright = alignment.crop(picture, matrix_of(PORTRAIT))
    again = alignment.crop(np.clip(rotated, 0, 1), matrix_of(face))
    inside = (slice(150, 450), slice(150, 370))
    difference = np.abs(upright - again)[inside]
    # Turning by an odd angle softens the finest detail; half a pixel beside the place would make
    # 0.014 on average.
    assert difference.mean() < (0.006 if angle % 90 else 1e-3)


@given(angle=st.floats(-180, 180), factor=st.floats(1, 4))
def test_an_enlarged_picture_has_its_faces_where_it_should(angle: float, factor: float) -> None:
    matrix = matrix_of(turned(angle, 0.7, 300, 200))
    place = np.array([(300.0, 200.0), (0.0, 0.0)])
    larger = (place + 0.5) * factor - 0.5  # centers of pixels, which have an extent
    there = alignment.apply(alignment.enlarged(matrix, factor), larger)
    np.testing.assert_allclose(there, alignment.apply(matrix, place), atol=1e-9)


def test_what_lies_outside_of_the_picture_is_gray() -> None:
    square = alignment.crop(portrait()[:, 210:], matrix_of(_moved(PORTRAIT, -210, 0)))
    np.testing.assert_allclose(square[300, 5], alignment.SURROUNDINGS, atol=1e-6)


def _moved(face: Face, x: float, y: float) -> Face:
    return marked(*((px + x, py + y) for px, py in face.landmarks))


def test_a_huge_face_is_shrunk_without_skipping_pixels() -> None:
    stripes = np.zeros((2000, 2000, 3), np.float32)
    stripes[:, ::2] = 1.0
    square = alignment.crop(stripes, matrix_of(turned(0, 3.5, 1000, 1000)))
    # Skipping pixels would give black and white moire; their mean is gray.
    assert np.abs(square[100:400, 100:400] - 0.5).max() < 0.2


def test_a_huge_face_lies_where_a_small_one_does() -> None:
    y, x = np.mgrid[:2048, :2048].astype(np.float32) / 2048
    ramp = np.stack([x, y, x * y], axis=-1)
    for scale in (1.9, 2.1, 3.2, 3.9):
        face = turned(10, scale, 1000, 1024)
        matrix = matrix_of(face)
        square = alignment.crop(ramp, matrix)
        there = alignment.apply(alignment.inverse(matrix), np.array([(256.0, 256.0), (100, 400)]))
        actual = np.array([square[256, 256, :2], square[400, 100, :2]]) * 2048
        # A tenth of the square's pixel: interpolation has 32 steps.
        np.testing.assert_allclose(actual, there, atol=0.1 * scale)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_marked_photographs_come_to_lie_on_the_template(name: str) -> None:
    picture = photograph(name)
    for face in PHOTOGRAPHS[name]:
        matrix = matrix_of(face)
        assert alignment.crop(picture, matrix).shape == (SIDE, SIDE, 3)
        eyes = alignment.apply(matrix, face.points)[:2]
        # Faces differ, and some are turned away: within a third of the distance between the eyes.
        assert np.linalg.norm(eyes - TEMPLATE[:2], axis=1).max() < 42
