"""Restoring in this very process. torch is imported when the first picture is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pixelmend_engine import registry, weights

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from pixelmend_engine.catalog.spec import ModelSpec, Task
    from pixelmend_engine.family import Pipeline
    from pixelmend_engine.images import Photo
    from pixelmend_engine.restore import Restored

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asks for, the same for every picture of one command."""

    task: Task
    model: str  # an id, or `auto`
    weights: Path | None
    models_dir: Path
    device: str
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    seed: int
    tile: int | None
    strength: float


class InProcess:
    """A model, loaded once, and the pictures that go through it."""

    def __init__(self, request: Request) -> None:
        """Finds the model and its weights; loads neither.

        Raises:
            UnknownModel: The model is not in the catalogue.
            WeightsMissing: Its weights are not on this computer.
        """
        self._request = request
        self._candidates, self._files = _choose(request)
        self._loaded: tuple[ModelSpec, Pipeline, torch.device] | None = None

    @property
    def fell_back(self) -> bool:
        """Whether `auto` took the bundled model, for want of a better one."""
        automatic = self._request.model == AUTO and self._request.weights is None
        better = registry.models_of(self._request.task)[0]
        return automatic and self._candidates[0] is not better

    @property
    def spec(self) -> ModelSpec:
        """The model; until it is loaded, the likeliest."""
        return self._loaded[0] if self._loaded else self._candidates[0]

    @property
    def seed(self) -> int:
        """What the noise is drawn from."""
        return self._request.seed

    @property
    def device(self) -> torch.device:
        """Where the model lies. Only after the first picture."""
        assert self._loaded is not None
        return self._loaded[2]

    def restore(self, photo: Photo, report: Callable[[int, int], None]) -> Restored:
        """Restores one picture; see `pixelmend_engine.restore.restore`."""
        from pixelmend_engine import restore

        spec, pipeline, device = self._loaded = self._loaded or self._load()
        options = restore.Options(
            seed=self._request.seed, tile=self._request.tile, strength=self._request.strength
        )
        return restore.restore(pipeline, spec, photo.pixels, options, device, report)

    def _load(self) -> tuple[ModelSpec, Pipeline, torch.device]:
        from pixelmend_engine import devices, loading

        devices.use_huge_pages()
        device = devices.choose_device(self._request.device)
        dtype = devices.choose_dtype(self._request.precision, device)
        return (*loading.load(self._candidates, self._files, device, dtype), device)


def _choose(request: Request) -> tuple[tuple[ModelSpec, ...], tuple[Path, ...]]:
    models = registry.models_of(request.task)
    if request.model != AUTO:
        models = (registry.find(request.model),)
    if request.weights is not None:
        return models, weights.given(request.weights)
    if request.model == AUTO:
        here = (m for m in models if weights.state(m, request.models_dir) != "missing")
        models = (next(here),)  # every task so far has a bundled model
    return models, weights.locate(models[0], request.models_dir)
