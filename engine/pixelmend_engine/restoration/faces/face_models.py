"""The models that restore faces and what is around them, in the memory that there is."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.options import MAX_SEED
from pixelmend_engine.inference.tiled_inference import Options
from pixelmend_engine.restoration.faces.alignment import SIDE
from pixelmend_engine.restoration.model_choice import ModelChoice

Through = Callable[[ModelChoice, Tensor, Options, int, int], Tensor]
AtOnce = Callable[[ModelChoice, int, int, Options], int]

logger = logging.getLogger(__name__)


class FaceModels:
    """What restores faces and, if it is asked for, what is around them; see `portraits.Models`.

    Where faces do not fit into memory together, half as many go at once from then on.
    """

    def __init__(
        self, choice: ModelChoice, asked: Options, through: Through, at_once: AtOnce
    ) -> None:
        self._choice = choice
        self._asked = asked
        self._through = through
        self._at_once = at_once
        self._most = sys.maxsize  # faces at once; fewer, once so many did not fit
        self._foretold = False

    @property
    def has_background(self) -> bool:
        """Whether the rest of the picture is restored, too."""
        return self._choice.background is not None

    def at_once(self) -> int:
        """Returns how many faces fit into memory together."""
        return min(self._most, self._at_once(self._choice, SIDE, SIDE, self._asked))

    def faces(self, squares: Tensor, numbers: Sequence[int], run: int, runs: int) -> Tensor:
        """Restores squares, `[n, 3, 512, 512]`, sRGB, [0, 1]; see `face_restoration.Models`."""
        restored: list[Tensor] = []
        place = 0
        while place < len(numbers):
            stop = min(place + self._most, len(numbers))
            try:
                restored.append(
                    self._together(squares[place:stop], numbers[place:stop], run + place, runs)
                )
                place = stop
            except OutOfMemory:
                if stop - place == 1:
                    raise
                self._most = (stop - place) // 2
                logger.warning("out of memory: going on with %d faces at once", self._most)
        return torch.cat(restored)

    def _together(self, squares: Tensor, numbers: Sequence[int], run: int, runs: int) -> Tensor:
        request = self._asked.request
        (seed,) = request.seeds
        request = dataclasses.replace(
            request,
            # Faces of one picture differ in their noise, and keep it whichever are chosen.
            seeds=tuple((seed + number) % (MAX_SEED + 1) for number in numbers),
            ahead=runs - run,
            foretell=self._foretell,
        )
        asked = dataclasses.replace(self._asked, request=request)
        return self._through(self._choice, squares, asked, run, runs)

    def _foretell(self, words: str) -> None:
        # Once, and of all faces: each batch would say it anew.
        if not self._foretold:
            self._foretold = True
            self._asked.request.foretell(words)

    def background(self, image: Tensor, runs: int) -> Tensor | None:
        """Restores the picture around the faces, `[1, 3, h, w]`; None: it stays as it is."""
        behind = self._choice.background
        if behind is None:
            return None
        request = dataclasses.replace(self._asked.request, task=behind.task, scale=behind.scale)
        asked = dataclasses.replace(self._asked, request=request)
        return self._through(behind, image, asked, 0, runs)
