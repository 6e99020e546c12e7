"""Faces are marked so that people can choose from them."""

import numpy as np
import torch
from einops import rearrange
from marked_faces import PORTRAIT, marked, portrait
from torch import Tensor

from pixelmend_engine.restoration.faces import annotation
from pixelmend_engine.restoration.faces.annotation import LONGEST_SIDE, annotated


def image() -> Tensor:
    return rearrange(torch.from_numpy(portrait()), "h w c -> 1 c h w")


def yellow(pixels: np.ndarray) -> np.ndarray:
    color = tuple(int(annotation.SHOWN[start : start + 2], 16) for start in (1, 3, 5))
    return (pixels == color).all(axis=2)


def test_boxes_and_landmarks_are_where_the_face_is() -> None:
    pixels = annotated(image(), [PORTRAIT], 32)
    marks = yellow(pixels)
    left, top, right, bottom = (round(side) for side in PORTRAIT.box)
    assert marks[(top + bottom) // 2, left - 2 : left + 3].any()
    assert marks[bottom - 2 : bottom + 3, (left + right) // 2].any()
    for x, y in PORTRAIT.landmarks:
        assert marks[round(y), round(x)]
    outside = np.ones(marks.shape, bool)
    outside[top - 4 : bottom + 5, left - 4 : right + 5] = False
    assert (pixels[outside] == np.rint(portrait() * 255)[outside]).all()


def test_faces_that_would_be_left_alone_are_gray() -> None:
    assert not yellow(annotated(image(), [PORTRAIT], 1000)).any()


def test_a_large_picture_is_shrunk_and_its_marks_with_it() -> None:
    twice = marked(*((8 * x, 8 * y) for x, y in PORTRAIT.landmarks))
    large = torch.zeros(1, 3, 4096, 4096)
    pixels = annotated(large, [twice], 32)
    assert pixels.shape == (LONGEST_SIDE, LONGEST_SIDE, 3)
    x, y = (round(side * LONGEST_SIDE / 4096) for side in twice.landmarks[2])
    assert yellow(pixels)[y, x]


def test_a_face_that_leaves_the_picture_is_no_trouble() -> None:
    pixels = annotated(image(), [marked(*((x - 200, y - 100) for x, y in PORTRAIT.landmarks))], 1)
    assert yellow(pixels).any()
