"""Between a picture and the upright square in which a face is restored.

Source of the template and of the estimate: facexlib v0.3.0, as DiffBIR uses it. Pictures are arrays
`h w 3` of float32, sRGB in [0, 1]; matrices take x and y of a picture to x and y of the square.

Where we differ: only the part of the picture that matters is touched, whatever the picture's size,
and a face more than twice as large as the square is shrunk by means of pixels first, because
bilinear interpolation alone would skip pixels of it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from pixelmend_engine.restoration.faces.face import Face

SIDE = 512  # pixels, of the square
TEMPLATE = np.array(  # where the landmarks of an aligned face lie
    [
        (192.98138, 239.94708),
        (318.90277, 240.1936),
        (256.63416, 314.01935),
        (201.26117, 371.41043),
        (313.08905, 371.15118),
    ]
)
SURROUNDINGS = (135 / 255, 133 / 255, 132 / 255)  # a gray, where the square leaves the picture
MARGIN = 2  # pixels around what is touched, for interpolation

Matrix = Float64[np.ndarray, "2 3"]
Pixels = Float32[np.ndarray, "h w 3"]
Square = Float32[np.ndarray, "512 512 3"]


@dataclass(frozen=True)
class Window:
    """A part of a picture, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def rows(self) -> slice:
        """The rows of it."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """The columns of it."""
        return slice(self.left, self.right)

    @property
    def empty(self) -> bool:
        """Whether nothing of the picture is in it."""
        return self.right <= self.left or self.bottom <= self.top


def matrix_of(face: Face) -> Matrix | None:
    """Returns how a face is turned, scaled and moved into the square; None: it can't be.

    The least median of squares decides which landmarks are believed: those of a profile do not fit
    a face seen from the front.
    """
    estimate = cv2.estimateAffinePartial2D(face.points, TEMPLATE, method=cv2.LMEDS)[0]
    matrix = np.asarray(estimate, np.float64)  # None becomes NaN
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all() or scale_of(matrix) == 0:
        return None
    return matrix


def scale_of(matrix: Matrix) -> float:
    """Returns by how much a matrix enlarges."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def inverse(matrix: Matrix) -> Matrix:
    """Returns the way back."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def enlarged(matrix: Matrix, factor: float) -> Matrix:
    """Returns the matrix for the same face in the picture enlarged by a factor."""
    # Pixels have an extent: the center of the first of an enlarged picture lies before the first's.
    larger = matrix.copy()
    larger[:, :2] /= factor
    larger[:, 2] += matrix[:, :2] @ np.full(2, 0.5 / factor - 0.5)
    return larger


def apply(matrix: Matrix, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Takes points through a matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def window_of(matrix: Matrix, height: int, width: int) -> Window:
    """Returns the part of a picture that the square covers, with a margin."""
    last = SIDE - 1.0
    corners = apply(inverse(matrix), np.array([(0, 0), (last, 0), (0, last), (last, last)]))
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    return Window(
        left=int(np.clip(left - MARGIN, 0, width)),
        top=int(np.clip(top - MARGIN, 0, height)),
        right=int(np.clip(right + MARGIN + 1, 0, width)),
        bottom=int(np.clip(bottom + MARGIN + 1, 0, height)),
    )


def within(matrix: Matrix, window: Window) -> Matrix:
    """Returns a matrix that takes the pixels of a window, counted from its corner."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (window.left, window.top)
    return moved


def crop(picture: Pixels, matrix: Matrix) -> Square:
    """Takes a face out of a picture, upright and of the square's size."""
    window = window_of(matrix, picture.shape[0], picture.shape[1])
    part = np.ascontiguousarray(picture[window.rows, window.columns])
    moved = within(matrix, window)
    shrink = int(1 / scale_of(matrix))
    if shrink > 1:
        height, width = -(-part.shape[0] // shrink), -(-part.shape[1] // shrink)
        more = (height * shrink - part.shape[0], width * shrink - part.shape[1])
        part = np.pad(part, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        # The center of the first of the larger pixels lies between those that it is the mean of.
        moved[:, 2] += moved[:, :2] @ ((shrink - 1) / 2, (shrink - 1) / 2)
        moved[:, :2] *= shrink
    square = cv2.warpAffine(
        part,
        moved,
        (SIDE, SIDE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=SURROUNDINGS,
    )
    return np.asarray(square, np.float32)


def back(square: Float32[np.ndarray, "512 512 *c"], matrix: Matrix, window: Window) -> np.ndarray:
    """Takes a square back to where it came from: float32, `h w` or `h w 3` of the window.

    Where the square does not reach, there is 0.
    """
    size = (window.right - window.left, window.bottom - window.top)
    return np.asarray(
        cv2.warpAffine(square, inverse(within(matrix, window)), size, flags=cv2.INTER_LINEAR),
        np.float32,
    )
