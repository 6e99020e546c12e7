"""What restores pictures for a task: one call, whatever the model, and in the memory there is."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.options import MAX_SEED
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.inference import tiled_inference
from pixelmend_engine.inference.memory_retry import retry_with_less
from pixelmend_engine.inference.tiled_inference import InferenceResult, LoadedModel
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.model_choice import ModelChoice

logger = logging.getLogger(__name__)


@runtime_checkable
class ModelRunner(Protocol):
    """Restores pictures, as a task asks for it."""

    def run(
        self,
        image: Float[Tensor, "b c h w"],
        progress: Progress,
        numbers: Sequence[int] = (0,),
        remaining: int = 1,
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores a picture: sRGB, [0, 1], in and out; what comes out may leave it a little.

        Models that fill holes get a fourth channel; see `pipeline.TileRestorer`. Of some of one
        size (`max_batch_size` at most), `numbers` tell their noise apart, and `remaining` says how
        many are to come, these among them.

        Raises:
            OutOfMemory: It does not fit, however it is cut.
            Canceled: `progress` said so.
        """
        ...

    def max_batch_size(self, height: int, width: int) -> int:
        """Returns how many pictures of a size it restores together now, as memory changes."""
        ...


class LoadedModelRunner:
    """Restores with a chosen model, which `load` gives, loaded or at once.

    Where pictures do not fit into memory together, half as many go at once from then on. Where a
    GPU that nobody named can't hold one, the CPU does it and all that follow.
    """

    def __init__(
        self,
        load: Callable[[ModelChoice], LoadedModel],
        choice: ModelChoice,
        request: ModelRequest,
    ) -> None:
        self.results: list[InferenceResult] = []  # of all runs
        self._load = load
        self._choice = choice
        self._request = dataclasses.replace(request, warn_before=self._warn_once)
        self._warn = request.warn_before
        self._warned = False
        self._most = sys.maxsize  # pictures together; fewer, once so many did not fit

    def max_batch_size(self, height: int, width: int) -> int:
        """Returns how many pictures of a size it restores together now."""
        model = self._load(self._choice)
        size = tiled_inference.max_batch_size(model, height, width, self._request)
        return min(self._most, size)

    def run(
        self,
        image: Float[Tensor, "b c h w"],
        progress: Progress,
        numbers: Sequence[int] = (0,),
        remaining: int = 1,
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores a picture, or some of one size; see `ModelRunner`."""
        assert len(image) == len(numbers)
        restored: list[Tensor] = []

        def run_the_rest(size: int) -> Float[Tensor, "b 3 hs ws"]:
            while (done := sum(map(len, restored))) < len(image):
                batch = slice(done, done + size)
                part = progress.part(len(numbers[batch]), after=done, of=len(image))
                restored.append(
                    self._run_together(image[batch], part, numbers[batch], remaining - done)
                )
            return torch.cat(restored)

        def halve(size: int) -> int | None:
            if size == 1:
                return None
            self._most = size // 2
            logger.warning("out of memory: going on with %d pictures at once", self._most)
            return self._most

        device = self._load(self._choice).device
        return retry_with_less(run_the_rest, min(self._most, len(image)), halve, device)

    def _run_together(
        self, image: Tensor, progress: Progress, numbers: Sequence[int], remaining: int
    ) -> Tensor:
        (seed,) = self._request.seeds
        request = dataclasses.replace(
            self._request,
            # Faces of one picture differ in their noise, and keep it whichever are chosen.
            seeds=tuple((seed + number) % (MAX_SEED + 1) for number in numbers),
            remaining=remaining,
        )
        model = self._load(self._choice)
        try:
            return self._infer(model, image, request, progress)
        except OutOfMemory as error:
            if self._choice.device != AUTO or model.device.type == "cpu" or len(image) > 1:
                raise
            request.add_note(f"{error.message}; the CPU did it, more slowly")
        # The last resort, where the user did not ask for that GPU and nothing smaller can be tried.
        logger.warning("out of memory on the GPU: going on with the CPU")
        self._choice = dataclasses.replace(self._choice, device="cpu")
        return self._infer(self._load(self._choice), image, request, progress)

    def _infer(
        self, model: LoadedModel, image: Tensor, request: ModelRequest, progress: Progress
    ) -> Tensor:
        self.results.append(tiled_inference.run_model(model, image, request, progress))
        return self.results[-1].image

    def _warn_once(self, words: str) -> None:
        # Of all that is to come: each batch would say it anew.
        if not self._warned:
            self._warned = True
            self._warn(words)
