"""A face that was found in a picture, in the picture's own pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

Point = tuple[float, float]  # x, y; the center of the first pixel is 0, 0

LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")  # as the viewer sees


@dataclass(frozen=True, kw_only=True)
class Face:
    """Where a face is: what the detector says, or a person who marked it by hand."""

    box: tuple[float, float, float, float]  # left, top, right, bottom; may leave the picture
    landmarks: tuple[Point, ...]  # in the order of `LANDMARKS`
    confidence: float = 1.0

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    @property
    def points(self) -> Float64[np.ndarray, "5 2"]:
        """The landmarks as an array."""
        return np.array(self.landmarks, np.float64)

    def to_json(self) -> dict[str, Any]:
        """Describes it for a front end; a tenth of a pixel is finer than any detector."""
        return {
            "box": [round(side, 1) for side in self.box],
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "size": round(self.size, 1),
            "confidence": round(self.confidence, 4),
        }
