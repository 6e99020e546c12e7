"""The way of the faces of a picture: chosen, aligned, restored, pasted, compared.

They are restored as many together as the model takes at once, so thirty take no more memory than
those. Larger faces are pasted last: of two that overlap, the larger one is mostly in front.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from pixelmend_engine.catalog.faces import MIN_SIZE
from pixelmend_engine.restoration.faces import alignment, pasting
from pixelmend_engine.restoration.faces.alignment import Matrix, Pixels, Square
from pixelmend_engine.restoration.faces.detection import Find
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.identity_check import IdentityCheck, likeness
from pixelmend_engine.restoration.faces.parsing import Parse

MOST_FACES = 100  # that are listed; what describes them has to fit into a header of 64 KiB
NOT_CHOSEN = "not chosen"

RestoreSquares = Callable[
    [Float[Tensor, "n 3 512 512"], Sequence[int]], Float[Tensor, "n 3 512 512"]
]
"""Restores aligned faces, sRGB in [0, 1]; the numbers are the faces', for their noise."""


@dataclass(frozen=True)
class Tools:
    """What looks at faces."""

    find: Find
    parse: Parse


@dataclass(frozen=True)
class Model:
    """What restores faces."""

    restore: RestoreSquares
    at_once: Callable[[], int]  # how many it takes; asked before each batch, as memory changes


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Which faces are to be restored."""

    chosen: tuple[int, ...] | None = None  # numbers in the list of all faces; None: all
    min_size: int = MIN_SIZE
    selected: Bool[np.ndarray, "h w"] | None = None  # where the picture may change; None: all of it


@dataclass(frozen=True, kw_only=True)
class FaceResult:
    """What became of one face of the list."""

    number: int
    face: Face
    left_alone: str | None = None  # why; None: it was restored
    likeness: IdentityCheck | None = None

    def to_json(self) -> dict[str, Any]:
        """Describes it for a front end."""
        told = {"number": self.number, **self.face.to_json(), "left_alone": self.left_alone}
        return told | (self.likeness.to_json() if self.likeness else {})


@dataclass(frozen=True)
class FaceCrop:
    """A face that is to be restored, and how it lies."""

    number: int
    face: Face
    matrix: Matrix


def choose(
    faces: Sequence[Face], wishes: Wishes, height: int, width: int
) -> tuple[list[FaceCrop], list[FaceResult]]:
    """Sorts faces into those to restore and those that are left alone, with the reason."""
    tasks: list[FaceCrop] = []
    alone: list[FaceResult] = []
    for number, face in enumerate(faces):
        matrix = alignment.matrix_of(face)
        reason = _reason(number, face, matrix, wishes, height, width)
        if matrix is None or reason is not None:
            alone.append(FaceResult(number=number, face=face, left_alone=reason))
        else:
            tasks.append(FaceCrop(number, face, matrix))
    return tasks, alone


def _reason(
    number: int, face: Face, matrix: Matrix | None, wishes: Wishes, height: int, width: int
) -> str | None:
    if wishes.chosen is not None and number not in wishes.chosen:
        return NOT_CHOSEN
    if face.size < wishes.min_size:
        return f"smaller than {wishes.min_size} pixels"
    if matrix is None:
        return "its eyes, nose and mouth do not fit a face"
    window = alignment.window_of(matrix, height, width)
    if window.empty:
        return "outside the picture"
    if wishes.selected is not None and not wishes.selected[window.rows, window.columns].any():
        return "outside the selection"
    return None


def restore_faces(
    source: Pixels,
    canvas: Float32[np.ndarray, "hs ws 3"],
    tasks: Sequence[FaceCrop],
    tools: Tools,
    model: Model,
    scale: float = 1.0,
) -> list[FaceResult]:
    """Restores faces of `source` and puts them into `canvas`, in place.

    Both are the same picture, sRGB in [0, 1]; the canvas is `scale` times as wide and high, and its
    background may have been restored before.
    """
    results: list[FaceResult] = []
    waiting = sorted(tasks, key=lambda task: task.face.size)
    while waiting:
        count = model.at_once()
        batch, waiting = waiting[:count], waiting[count:]
        results += _restore_batch(source, canvas, batch, tools, model.restore, scale)
    return results


def _restore_batch(
    source: Pixels,
    canvas: Float32[np.ndarray, "hs ws 3"],
    batch: Sequence[FaceCrop],
    tools: Tools,
    restore: RestoreSquares,
    scale: float,
) -> list[FaceResult]:
    before = [alignment.crop(source, task.matrix) for task in batch]
    after = run_squares(before, [task.number for task in batch], restore)
    return [
        _put_back(canvas, task, was, made, tools, scale)
        for task, was, made in zip(batch, before, after, strict=True)
    ]


def run_squares(
    squares: Sequence[Square], numbers: Sequence[int], restore: RestoreSquares
) -> list[Square]:
    """Restores aligned faces; what leaves [0, 1] is cut off, as the published code does."""
    images = rearrange([torch.from_numpy(square) for square in squares], "n h w c -> n c h w")
    restored = restore(images.contiguous(), numbers)
    assert restored.shape == images.shape
    pixels = rearrange(restored.clamp(0, 1), "n c h w -> n h w c").float().cpu().numpy()
    return [np.ascontiguousarray(square) for square in pixels]


def _put_back(
    canvas: Float32[np.ndarray, "hs ws 3"],
    task: FaceCrop,
    before: Square,
    after: Square,
    tools: Tools,
    scale: float,
) -> FaceResult:
    classes = tools.parse(after)
    mask = pasting.face_mask(classes)
    if not mask.any():
        reason = "no face is seen in what was restored"
        return FaceResult(number=task.number, face=task.face, left_alone=reason)
    pasting.paste(canvas, after, classes, alignment.enlarged(task.matrix, scale))
    compared = likeness(before, after, task.face, task.matrix, tools.find, mask)
    return FaceResult(number=task.number, face=task.face, likeness=compared)
