"""Whether a restored face is still the same person's, without a network that knows people.

Networks that recognize people would say more, and their licenses forbid commercial use. Two figures
stand in: how far the landmarks moved, and how alike the faces are when only coarse shapes are left.
`docs/decisions.md` says where the thresholds come from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, Float64

from pixelmend_engine.restoration.faces.alignment import TEMPLATE, Matrix, Square, apply
from pixelmend_engine.restoration.faces.detection import Find
from pixelmend_engine.restoration.faces.face import Face

MOST_DRIFT = 0.1  # of the distance between the eyes
LEAST_SIMILARITY = 0.8
COARSE_SIDE = 32  # pixels, of the square: an eye is three of them wide
WINDOW_SIGMA = 2.5  # pixels of the coarse square
STABILITY = 0.03**2  # SSIM's second constant for values in [0, 1]; Wang et al. 2004, IEEE TIP 13(4)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Points = Float64[np.ndarray, "5 2"]


@dataclass(frozen=True, kw_only=True)
class IdentityCheck:
    """How a restored face compares with what it was."""

    drift: float | None  # mean way of a landmark, in distances between the eyes; None: no face left
    similarity: float  # of coarse structure, at most 1

    @property
    def changed(self) -> bool:
        """Whether the user should be told that the face changed noticeably."""
        if self.drift is None:
            return True
        return self.drift > MOST_DRIFT or self.similarity < LEAST_SIMILARITY

    def to_json(self) -> dict[str, Any]:
        """Describes it for a front end."""
        drift = None if self.drift is None else round(self.drift, 4)
        return {
            "drift": drift,
            "similarity": round(self.similarity, 4),
            "changed": self.changed,
        }

    def in_words(self) -> str:
        """Says it in words."""
        if self.drift is None:
            return "no face is seen there any more"
        moved = f"its features moved by {self.drift:.0%} of the distance between the eyes"
        return f"{moved}; coarse similarity {self.similarity:.2f} of 1"


def check_identity(
    before: Square,
    after: Square,
    face: Face,
    matrix: Matrix,
    find: Find,
    mask: Float32[np.ndarray, "512 512"],
) -> IdentityCheck:
    """Compares a face in its square with what was restored from it.

    The detector looks at both squares, so that it errs alike; where it sees nothing in a poor one,
    the landmarks that `face` has in the picture count. `mask` says where the face is.
    """
    was = landmarks_in(before, find)
    if was is None:
        was = apply(matrix, face.points)
    now = landmarks_in(after, find)
    return IdentityCheck(
        drift=None if now is None else drift(was, now),
        similarity=similarity(before, after, mask),
    )


def landmarks_in(square: Square, find: Callable[[torch.Tensor], list[Face]]) -> Points | None:
    """Returns the landmarks of the face in a square: of several, the one in its middle."""
    image = rearrange(torch.from_numpy(square), "h w c -> 1 c h w")
    candidates = [face.points for face in find(image)]
    return min(candidates, key=lambda points: drift(TEMPLATE, points), default=None)


def drift(was: Points, now: Points) -> float:
    """Returns the mean way of a landmark, in distances between the eyes."""
    between_eyes = float(np.linalg.norm(was[1] - was[0]))
    return float(np.linalg.norm(now - was, axis=1).mean()) / max(between_eyes, 1e-6)


def similarity(before: Square, after: Square, mask: Float32[np.ndarray, "512 512"]) -> float:
    """Returns the structural similarity of what is left of two faces at a coarse scale.

    Contrast and structure alone count: a restored face may be brighter.
    """
    a, b, weight = _coarse(before @ LUMA), _coarse(after @ LUMA), _coarse(mask)
    mean_a, mean_b = _windowed(a), _windowed(b)
    variances = _windowed(a * a) - mean_a**2 + _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    alike = (2 * covariance + STABILITY) / (variances + STABILITY)
    if weight.sum() == 0:  # the parser sees no face: all of the square counts
        return float(alike.mean())
    return float((alike * weight).sum() / weight.sum())


def _coarse(values: Float32[np.ndarray, "512 512"]) -> Float32[np.ndarray, "32 32"]:
    size = (COARSE_SIDE, COARSE_SIDE)
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _windowed(values: Float32[np.ndarray, "32 32"]) -> Float32[np.ndarray, "32 32"]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), WINDOW_SIGMA), np.float32)
