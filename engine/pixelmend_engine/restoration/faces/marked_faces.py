"""Faces that a person marks by boxes, or by what is selected: nothing has to be found for these.

They are restored as they lie, not turned upright, and an oval of them is put back. Whether the
person is still the same is not checked, as there is nothing that looks for landmarks.
"""

import re
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from pixelmend.errors import BadRequest
from pixelmend_engine.restoration.faces.alignment import (
    SIDE,
    TEMPLATE,
    Matrix,
    Square,
    apply,
    inverse,
)
from pixelmend_engine.restoration.faces.face import Face

CENTER, AXES = (256, 290), (135, 180)  # of the oval in which the template's face lies, in pixels
SKIN = 1  # of ParseNet's classes
LEAST_SELECTED = 16  # pixels a side; what is smaller was not meant as a face

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


class MarkedFaces:
    """Stands for what finds and parses faces, where a person has marked them."""

    checks_identity = False

    def __init__(self, boxes: Sequence[Box]) -> None:
        faces = [face_in(box) for box in boxes]
        self._faces = sorted(faces, key=lambda face: face.size, reverse=True)

    def find(self, image: Float[Tensor, "1 3 h w"]) -> list[Face]:  # noqa: ARG002 - they are marked
        """Returns the marked faces, largest first."""
        return self._faces

    def parse(self, square: Square) -> UInt8[np.ndarray, "512 512"]:  # noqa: ARG002 - of any face
        """Says that the oval of the template is skin, and the rest background."""
        classes = np.zeros((SIDE, SIDE), np.uint8)
        cv2.ellipse(classes, CENTER, AXES, 0.0, 0.0, 360.0, SKIN, cv2.FILLED)
        return classes


def face_in(box: Box) -> Face:
    """Returns an upright face whose oval fills a box, as far as its proportions allow."""
    left, top, right, bottom = box
    scale = min(2 * AXES[0] / (right - left), 2 * AXES[1] / (bottom - top))
    # The centers of pixels are counted: a box of one pixel has its center at that pixel's.
    center = np.array([(left + right - 1) / 2, (top + bottom - 1) / 2])
    matrix: Matrix = np.zeros((2, 3))
    matrix[:, :2] = np.eye(2) * scale
    matrix[:, 2] = np.array(CENTER) - scale * center
    landmarks = apply(inverse(matrix), TEMPLATE)
    return Face(box=box, landmarks=tuple((float(x), float(y)) for x, y in landmarks))


def parse_boxes(text: str, height: int, width: int) -> list[Box]:
    """Reads `X,Y,W,H` of a picture's pixels, several with semicolons between them.

    Raises:
        BadRequest: One does not lie in the picture.
    """
    boxes: list[Box] = []
    for part in text.split(";"):
        x, y, box_width, box_height = (int(number) for number in re.findall(r"\d+", part))
        if not box_width or not box_height or x + box_width > width or y + box_height > height:
            raise BadRequest(
                f"The box {part} does not lie in the picture, which has {width} x {height} pixels",
                hint="Give the left and the upper border, the width and the height, in pixels",
            )
        boxes.append((float(x), float(y), float(x + box_width), float(y + box_height)))
    return boxes


def boxes_of_selection(selected: Bool[np.ndarray, "h w"]) -> list[Box]:
    """Returns the box around each connected part of a selection; what is tiny is left out."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(selected.astype(np.uint8), connectivity=8)
    boxes: list[Box] = []
    for left, top, width, height, _ in stats[1:count].tolist():
        if min(width, height) >= LEAST_SELECTED:
            boxes.append((float(left), float(top), float(left + width), float(top + height)))
    return boxes
