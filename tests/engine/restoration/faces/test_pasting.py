"""What is pasted is the face, and nothing else of the picture changes."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked_faces import (
    PHOTOGRAPHS,
    PORTRAIT,
    marked,
    parse_by_hand,
    photograph,
    portrait,
)

from pixelmend_engine.restoration.faces import alignment, pasting
from pixelmend_engine.restoration.faces.alignment import SIDE, Matrix, Pixels, Square
from pixelmend_engine.restoration.faces.face import Face

LEVEL = 1 / 255
ALL = np.ones((SIDE, SIDE), np.uint8)


def matrix_of(face: Face) -> Matrix:
    matrix = alignment.matrix_of(face)
    assert matrix is not None
    return matrix


def soft(picture: Pixels) -> Pixels:
    """What is left of a picture when it has no detail that interpolation could lose."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4.0), np.float32)


def mask_of(matrix: Matrix, square: Square, height: int, width: int) -> np.ndarray:
    """The weight with which a face is pasted, everywhere in a picture."""
    window = alignment.window_of(matrix, height, width)
    mask = np.zeros((height, width), np.float32)
    face = pasting.face_mask(parse_by_hand(square))
    mask[window.rows, window.columns] = np.minimum(
        pasting.square_mask(matrix, window), alignment.back(face, matrix, window)
    )
    return mask


def test_an_unchanged_crop_changes_a_soft_picture_by_less_than_a_level() -> None:
    picture, matrix = soft(portrait()), matrix_of(PORTRAIT)
    canvas = picture.copy()
    square = alignment.crop(picture, matrix)
    pasting.paste(canvas, square, parse_by_hand(square), matrix)
    assert np.abs(canvas - picture).max() < LEVEL


def test_an_unchanged_crop_changes_a_picture_by_no_more_than_interpolation_does() -> None:
    picture, matrix = portrait(), matrix_of(PORTRAIT)
    canvas = picture.copy()
    square = alignment.crop(picture, matrix)
    pasting.paste(canvas, square, parse_by_hand(square), matrix)
    # There and back by the plainest means: the whole picture at once, no masks.
    there = cv2.warpAffine(picture, matrix, (SIDE, SIDE))
    back = cv2.warpAffine(there, alignment.inverse(matrix), (512, 512))
    error = np.abs(np.asarray(back, np.float32) - picture)
    beyond = np.abs(canvas - picture) - error
    # Coordinates have 32 steps a pixel, from another origin here: on edges that is some of a level.
    assert beyond[mask_of(matrix, square, 512, 512) > 0].max() < LEVEL


def test_nothing_outside_of_the_mask_changes() -> None:
    picture, matrix = portrait(), matrix_of(PORTRAIT)
    canvas = picture.copy()
    square = alignment.crop(picture, matrix)
    pasting.paste(canvas, 1 - square, parse_by_hand(square), matrix)
    outside = mask_of(matrix, square, 512, 512) == 0
    assert (canvas[outside] == picture[outside]).all()
    assert not np.array_equal(canvas[~outside], picture[~outside])


@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.05, 2.5),
    x=st.floats(-60, 560),
    y=st.floats(-60, 460),
)
def test_what_is_drawn_in_the_square_comes_to_lie_where_it_belongs(
    angle: float, scale: float, x: float, y: float
) -> None:
    turn = np.asarray(cv2.getRotationMatrix2D((256, 256), angle, scale), np.float64)
    points = alignment.apply(turn, alignment.TEMPLATE) - 256 + (x, y)
    matrix = matrix_of(marked(*((float(px), float(py)) for px, py in points)))
    canvas = np.zeros((400, 500, 3), np.float32)
    spot = np.zeros((SIDE, SIDE, 3), np.float32)
    size = 10 / min(scale, 1)  # of the square's pixels: large enough to be seen in the picture
    rows, columns = np.mgrid[:SIDE, :SIDE]
    spot[:] = np.exp(-((columns - 250) ** 2 + (rows - 300) ** 2) / (2 * size**2))[..., None]
    pasting.paste(canvas, spot, ALL, matrix)
    place = alignment.apply(alignment.inverse(matrix), np.array([(250.0, 300.0)]))[0]
    reach = 4 * size * scale
    if not (reach < place[0] < 500 - reach and reach < place[1] < 400 - reach):
        return  # the border cuts it
    if 4 * size > 180:
        return  # the mask does
    light = canvas[..., 0] ** 2  # the square, whose tails end before the mask does
    rows, columns = np.mgrid[:400, :500]
    center = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()
    # Coordinates have 32 steps a pixel; a face of few pixels is sampled by few.
    assert np.abs(center - place).max() < 0.15


@pytest.mark.parametrize("at", [(5, 200), (500, 200), (250, 3), (250, 395), (-30, -30)])
def test_a_face_that_the_border_cuts_is_pasted_where_it_is_in_the_picture(
    at: tuple[float, float],
) -> None:
    turn = np.asarray(cv2.getRotationMatrix2D((256, 300), 15, 0.4), np.float64)
    points = alignment.apply(turn, alignment.TEMPLATE) - (256, 300) + at
    matrix = matrix_of(marked(*((float(px), float(py)) for px, py in points)))
    canvas = np.full((400, 500, 3), 0.5, np.float32)
    window = pasting.paste(canvas, np.ones((SIDE, SIDE, 3), np.float32), ALL, matrix)
    assert not window.empty
    assert (canvas[window.rows, window.columns] > 0.5).any()
    untouched = np.ones((400, 500), bool)
    untouched[window.rows, window.columns] = False
    assert (canvas[untouched] == 0.5).all()
    assert canvas.max() <= 1


def test_a_face_outside_of_the_picture_changes_nothing() -> None:
    points = alignment.TEMPLATE + 5000
    matrix = matrix_of(marked(*((float(px), float(py)) for px, py in points)))
    canvas = np.full((40, 50, 3), 0.5, np.float32)
    assert pasting.paste(canvas, np.ones((SIDE, SIDE, 3), np.float32), ALL, matrix).empty
    assert (canvas == 0.5).all()


def test_hair_and_background_are_no_face() -> None:
    for other in (0, 14, 16, 17, 18):  # background, hat, clothes and hair
        assert not pasting.face_mask(np.full((SIDE, SIDE), other, np.uint8)).any()
    assert pasting.face_mask(ALL)[256, 256] == pytest.approx(1, abs=1e-5)


def test_a_face_mask_ends_before_the_square_does() -> None:
    mask = pasting.face_mask(ALL)
    assert not mask[:10].any()
    assert not mask[-10:].any()
    assert not mask[:, :10].any()
    assert not mask[:, -10:].any()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_unchanged_crops_of_photographs_change_them_hardly(name: str) -> None:
    picture = photograph(name)
    canvas, untouched = picture.copy(), np.ones(picture.shape[:2], bool)
    for face in PHOTOGRAPHS[name]:
        matrix = matrix_of(face)
        square = alignment.crop(picture, matrix)
        pasting.paste(canvas, square, parse_by_hand(square), matrix)
        untouched &= mask_of(matrix, square, *picture.shape[:2]) == 0
    assert (canvas[untouched] == picture[untouched]).all()
    # Where a face is as large as the square, interpolation costs some of the finest detail.
    assert np.abs(canvas - picture)[~untouched].mean() < 2.5 * LEVEL
