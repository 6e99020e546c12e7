"""The way of the faces of a picture: chosen, aligned, restored one by one, pasted, compared.

One face is in work at a time, so thirty take no more memory than one. Larger faces are pasted last:
of two that overlap, the larger one is mostly in front.
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
from pixelmend_engine.faces import alignment, pasting
from pixelmend_engine.faces.alignment import SIDE, Matrix, Pixels, Square
from pixelmend_engine.faces.detection import Find
from pixelmend_engine.faces.face import Face
from pixelmend_engine.faces.likeness import Likeness, likeness
from pixelmend_engine.faces.parsing import Parse

MOST_FACES = 100  # that are listed; what describes them has to fit into a header of 64 KiB
NOT_CHOSEN = "not chosen"

RestoreSquare = Callable[[Float[Tensor, "1 3 512 512"], int], Float[Tensor, "1 3 512 512"]]
"""Restores one aligned face, sRGB in [0, 1]; the number is the face's, for its noise."""


@dataclass(frozen=True)
class Tools:
    """What looks at faces."""

    find: Find
    parse: Parse


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Which faces are to be restored."""

    chosen: tuple[int, ...] | None = None  # numbers in the list of all faces; None: all
    min_size: int = MIN_SIZE
    selected: Bool[np.ndarray, "h w"] | None = None  # where the picture may change; None: all of it


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one face of the list."""

    number: int
    face: Face
    left_alone: str | None = None  # why; None: it was restored
    likeness: Likeness | None = None

    def to_json(self) -> dict[str, Any]:
        """Describes it for a front end."""
        told = {"number": self.number, **self.face.to_json(), "left_alone": self.left_alone}
        return told | (self.likeness.to_json() if self.likeness else {})


@dataclass(frozen=True)
class Task:
    """A face that is to be restored, and how it lies."""

    number: int
    face: Face
    matrix: Matrix


def choose(
    faces: Sequence[Face], wishes: Wishes, height: int, width: int
) -> tuple[list[Task], list[Outcome]]:
    """Sorts faces into those to restore and those that are left alone, with the reason."""
    tasks: list[Task] = []
    alone: list[Outcome] = []
    for number, face in enumerate(faces):
        matrix = alignment.matrix_of(face)
        reason = _reason(number, face, matrix, wishes, height, width)
        if matrix is None or reason is not None:
            alone.append(Outcome(number=number, face=face, left_alone=reason))
        else:
            tasks.append(Task(number, face, matrix))
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
    tasks: Sequence[Task],
    tools: Tools,
    restore: RestoreSquare,
    scale: float = 1.0,
) -> list[Outcome]:
    """Restores faces of `source` and puts them into `canvas`, in place.

    Both are the same picture, sRGB in [0, 1]; the canvas is `scale` times as wide and high, and its
    background may have been restored before.
    """
    outcomes: list[Outcome] = []
    for task in sorted(tasks, key=lambda task: task.face.size):
        before = alignment.crop(source, task.matrix)
        after = run_square(before, task.number, restore)
        classes = tools.parse(after)
        mask = pasting.face_mask(classes)
        if not mask.any():
            reason = "no face is seen in what was restored"
            outcomes.append(Outcome(number=task.number, face=task.face, left_alone=reason))
            continue
        pasting.paste(canvas, after, classes, alignment.enlarged(task.matrix, scale))
        compared = likeness(before, after, task.face, task.matrix, tools.find, mask)
        outcomes.append(Outcome(number=task.number, face=task.face, likeness=compared))
    return outcomes


def run_square(square: Square, number: int, restore: RestoreSquare) -> Square:
    """Restores one aligned face; what leaves [0, 1] is cut off, as the published code does."""
    image = rearrange(torch.from_numpy(square), "h w c -> 1 c h w").contiguous()
    restored = restore(image, number)
    assert restored.shape[-2:] == (SIDE, SIDE)
    pixels = rearrange(restored.clamp(0, 1), "1 c h w -> h w c").float().cpu().numpy()
    return np.ascontiguousarray(pixels)
