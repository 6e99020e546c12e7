"""Putting a restored face back: where the face is, feathered, and nowhere else.

Source of the masks: facexlib v0.3.0, as DiffBIR uses it.
"""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from pixelmend_engine.restoration.faces.alignment import (
    SIDE,
    Matrix,
    Pixels,
    Square,
    Window,
    back,
    window_of,
)

SKIN_AND_FEATURES = (*range(1, 14), 15)  # classes of ParseNet; others are hair, clothes, background
FEATHER = (101, 11.0)  # pixels of the square: width and sigma of the blur, which is done twice
UNTOUCHED = 10  # pixels at the square's border
SOFT_SHARE = 20  # the border of the square, in the picture, is softened by a twentieth of its side

Mask = Float32[np.ndarray, "h w"]
Classes = UInt8[np.ndarray, "512 512"]


def paste(
    picture: Pixels, square: Square, classes: Classes, matrix: Matrix, factor: float = 1.0
) -> Window:
    """Puts a restored face into a picture, in place; returns the part of it that may differ.

    `factor` weighs the mask.
    """
    window = window_of(matrix, picture.shape[0], picture.shape[1])
    if window.empty:
        return window
    part = picture[window.rows, window.columns]
    mask = np.minimum(square_mask(matrix, window), back(face_mask(classes), matrix, window))
    change = back(square, matrix, window) - part
    part += mask[..., None] * factor * change
    return window


def face_mask(classes: Classes) -> Float32[np.ndarray, "512 512"]:
    """Returns which part of the square is face, feathered: 0 to 1."""
    mask = np.isin(classes, SKIN_AND_FEATURES).astype(np.float32)
    width, sigma = FEATHER
    for _ in range(2):
        mask = np.asarray(cv2.GaussianBlur(mask, (width, width), sigma), np.float32)
    inner = slice(UNTOUCHED, SIDE - UNTOUCHED)
    framed = np.zeros_like(mask)
    framed[inner, inner] = mask[inner, inner]
    return framed


def square_mask(matrix: Matrix, window: Window) -> Mask:
    """Returns where the square lies in a window of the picture, its border softened: 0 to 1."""
    whole = back(np.ones((SIDE, SIDE), np.float32), matrix, window)
    whole = np.asarray(cv2.erode(whole, np.ones((2, 2), np.uint8)), np.float32)
    soft = int(np.sqrt(whole.sum())) // SOFT_SHARE
    if soft < 1:
        return whole
    core = cv2.erode(whole, np.ones((2 * soft, 2 * soft), np.uint8))
    return np.asarray(cv2.GaussianBlur(core, (2 * soft + 1, 2 * soft + 1), 0), np.float32)
