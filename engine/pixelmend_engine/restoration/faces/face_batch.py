"""The way of the faces of a picture: selected, aligned, restored, pasted, compared.

They are restored as many together as the model takes at once, so thirty take no more memory than
those. Larger faces are pasted last: of two that overlap, the larger one is mostly in front.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float32

from pixelmend_engine.catalog.faces import MIN_SIZE
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.faces import alignment, pasting
from pixelmend_engine.restoration.faces.alignment import SIDE, Matrix, Pixels, Square
from pixelmend_engine.restoration.faces.detector_and_parser import FaceNetworks
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.identity_check import IdentityCheck, check_identity
from pixelmend_engine.restoration.model_runner import ModelRunner

MOST_FACES = 100  # that are listed; what describes them has to fit into a header of 64 KiB
NOT_CHOSEN = "not chosen"


@dataclass(frozen=True, kw_only=True)
class FaceSelection:
    """Which faces are to be restored."""

    numbers: tuple[int, ...] | None = None  # in the list of all faces; None: all
    min_size: int = MIN_SIZE  # pixels
    area: Bool[np.ndarray, "h w"] | None = None  # where the picture may change; None: all of it


@dataclass(frozen=True, kw_only=True)
class FaceResult:
    """What became of one face of the list."""

    number: int
    face: Face
    left_alone: str | None = None  # why; None: it was restored
    identity_check: IdentityCheck | None = None

    def to_json(self) -> dict[str, Any]:
        """Describes it for a front end."""
        json = {"number": self.number, **self.face.to_json(), "left_alone": self.left_alone}
        return json | (self.identity_check.to_json() if self.identity_check else {})


@dataclass(frozen=True)
class FaceCrop:
    """A face that is to be restored, and how it lies."""

    number: int
    face: Face
    matrix: Matrix


def select(
    faces: Sequence[Face], selection: FaceSelection, height: int, width: int
) -> tuple[list[FaceCrop], list[FaceResult]]:
    """Sorts faces into those to restore and those that are left alone, with the reason."""
    crops: list[FaceCrop] = []
    left_alone: list[FaceResult] = []
    for number, face in enumerate(faces):
        matrix = alignment.matrix_of(face)
        reason = _reason(number, face, matrix, selection, height, width)
        if matrix is None or reason is not None:
            left_alone.append(FaceResult(number=number, face=face, left_alone=reason))
        else:
            crops.append(FaceCrop(number, face, matrix))
    return crops, left_alone


def _reason(
    number: int,
    face: Face,
    matrix: Matrix | None,
    selection: FaceSelection,
    height: int,
    width: int,
) -> str | None:
    if selection.numbers is not None and number not in selection.numbers:
        return NOT_CHOSEN
    if face.size < selection.min_size:
        return f"smaller than {selection.min_size} pixels"
    if matrix is None:
        return "its eyes, nose and mouth do not fit a face"
    window = alignment.window_of(matrix, height, width)
    if window.empty:
        return "outside the picture"
    if selection.area is not None and not selection.area[window.rows, window.columns].any():
        return "outside the selection"
    return None


def restore_faces(
    source: Pixels,
    canvas: Float32[np.ndarray, "hs ws 3"],
    crops: Sequence[FaceCrop],
    networks: FaceNetworks,
    runner: ModelRunner,
    progress: Progress,
    scale: float = 1.0,
) -> list[FaceResult]:
    """Restores faces of `source` and puts them into `canvas`, in place.

    Both are the same picture, sRGB in [0, 1]; the canvas is `scale` times as wide and high, and its
    background may have been restored before.
    """
    results: list[FaceResult] = []
    waiting = sorted(crops, key=lambda crop: crop.face.size)
    while waiting:
        size = runner.max_batch_size(SIDE, SIDE)
        batch = waiting[:size]
        before = [alignment.crop(source, crop.matrix) for crop in batch]
        numbers = [crop.number for crop in batch]
        part = progress.part(len(batch), after=len(results), of=len(crops))
        after = restore_squares(before, numbers, runner, part, len(waiting))
        while batch:  # what is put back is no longer kept
            pair = before.pop(0), after.pop(0)
            results.append(_put_back(canvas, batch.pop(0), *pair, networks, scale))
        waiting = waiting[size:]
    return results


def restore_squares(
    squares: Sequence[Square],
    numbers: Sequence[int],
    runner: ModelRunner,
    progress: Progress,
    remaining: int,
) -> list[Square]:
    """Restores aligned faces; what leaves [0, 1] is cut off, as the published code does."""
    images = rearrange([torch.from_numpy(square) for square in squares], "n h w c -> n c h w")
    restored = runner.run(images.contiguous(), progress, numbers, remaining)
    assert restored.shape == images.shape
    pixels = rearrange(restored.clamp(0, 1), "n c h w -> n h w c").float().cpu().numpy()
    return [np.ascontiguousarray(square) for square in pixels]


def _put_back(
    canvas: Float32[np.ndarray, "hs ws 3"],
    crop: FaceCrop,
    before: Square,
    after: Square,
    networks: FaceNetworks,
    scale: float,
) -> FaceResult:
    classes = networks.parse(after)
    mask = pasting.face_mask(classes)
    if not mask.any():
        reason = "no face is seen in what was restored"
        return FaceResult(number=crop.number, face=crop.face, left_alone=reason)
    pasting.paste(canvas, after, classes, alignment.enlarged(crop.matrix, scale))
    compared = None
    if networks.checks_identity:
        compared = check_identity(before, after, crop.face, crop.matrix, networks.find, mask)
    return FaceResult(number=crop.number, face=crop.face, identity_check=compared)
