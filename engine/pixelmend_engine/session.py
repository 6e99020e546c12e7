"""A model that stays loaded, and the pictures that go through it. torch comes with the first."""

from __future__ import annotations

import dataclasses
import gc
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pixelmend import __version__
from pixelmend.errors import OutOfMemory, UnreadableCheckpoint
from pixelmend_engine import registry, weights
from pixelmend_engine.installer import Installer
from pixelmend_engine.network import OFFLINE, Network
from pixelmend_engine.provision import Provision

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from torch import Tensor

    from pixelmend.wire import Raster
    from pixelmend_engine.catalog.spec import ModelSpec, Task
    from pixelmend_engine.family import Pipeline
    from pixelmend_engine.provision import Transferred
    from pixelmend_engine.restore import Options, Restored

    Report = Callable[[int, int], None]

logger = logging.getLogger(__name__)

AUTO = "auto"
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which model is to compute, where and how. The same choice, the same loaded model."""

    task: Task
    model: str = AUTO  # or an id
    weights: Path | None = None  # a folder or file of the user's own
    device: str = AUTO
    precision: Precision = AUTO


@dataclass(frozen=True)
class Loaded:
    """A model that is ready, and where."""

    spec: ModelSpec
    pipeline: Pipeline
    device: torch.device
    notes: tuple[str, ...]  # what the user should know of how it was chosen


@dataclass(frozen=True)
class Attempt:
    """Models that the files of one place may hold."""

    specs: tuple[ModelSpec, ...]
    files: tuple[Path, ...]


def attempts(choice: Choice, models_dir: Path) -> list[Attempt]:
    """Lists what a choice may mean, best first; `auto` goes on where weights are unusable.

    Raises:
        UnknownModel: The model is not in the catalogue, or not for this task.
        WeightsMissing: Its weights are not on this computer.
    """
    models = registry.models_of(choice.task)
    if choice.model != AUTO:
        models = (registry.find(choice.model),)
    if choice.weights is not None:
        return [Attempt(models, weights.given(choice.weights))]
    if choice.model == AUTO:
        models = tuple(m for m in models if weights.state(m, models_dir) != "missing")
    return [Attempt((model,), weights.locate(model, models_dir)) for model in models]


def check(choice: Choice, models_dir: Path, *, offline: bool) -> None:
    """Finds out whether a choice can come true, as far as that is known before any work.

    Raises:
        UnknownModel: The model is not in the catalogue.
        WeightsMissing: Its weights are not on this computer, and can't be downloaded.
    """
    if choice.weights is None and choice.model != AUTO and not offline:
        registry.find(choice.model)
    else:
        attempts(choice, models_dir)


class Session:
    """Keeps the model of the last choice, because the next is mostly the same."""

    def __init__(self, models_dir: Path, network: Network = OFFLINE) -> None:
        self._models_dir = models_dir
        self._provision = Provision(Installer(models_dir, network))
        self._choice: Choice | None = None
        self._found: list[Attempt] = []
        self._loaded: Loaded | None = None

    def provide(
        self, choice: Choice, transferred: Transferred, *, offline: bool
    ) -> tuple[str, ...]:
        """Downloads the weights of a model that is used for the first time.

        Returns what the user should know where they can't be had and another model will do.

        Raises:
            PixelmendError: The model was asked for by name; see `Provision.named`.
        """
        if choice.weights is not None:
            return ()
        if choice.model == AUTO:
            return self._provision.best(choice.task, offline=offline, transferred=transferred)
        spec = registry.find(choice.model)
        self._provision.named(spec, offline=offline, transferred=transferred)
        return ()

    def load(self, choice: Choice) -> Loaded:
        """Returns the chosen model, ready; what was loaded before goes first.

        Raises:
            PixelmendError: See `attempts`, `devices.choose_device` and `loading.load`.
        """
        found = attempts(choice, self._models_dir)
        # A better model may have been installed since, or the loaded one removed.
        if self._loaded is not None and (choice, found) == (self._choice, self._found):
            return self._loaded
        self.release()
        from pixelmend_engine import devices

        devices.use_huge_pages()
        device = devices.choose_device(choice.device)
        dtype = devices.choose_dtype(choice.precision, device)
        self._loaded = _load_first(found, device, dtype)
        self._choice, self._found = choice, found
        return self._loaded

    def restore(
        self,
        choice: Choice,
        options: Mapping[str, Any],
        raster: Raster,
        report: Report,
        provided: Sequence[str] = (),
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; see `retouch`, and `restore` for what the model does.

        `options` are those of the task (`tasks.OPTIONS`), all of them; `provided` is what `provide`
        had to say. Returns the picture, and what there is to say about it.
        """
        from pixelmend_engine import restore
        from pixelmend_engine.retouch import retouch

        asked = restore.Options(
            seed=options["seed"], tile=None if options["tile"] == AUTO else options["tile"]
        )
        runs: list[Restored] = []
        notes: list[str] = []

        def through_the_model(image: Tensor) -> Tensor:
            runs.append(self._run(choice, image, asked, report, notes))
            return runs[-1].image

        loaded = self.load(choice)
        result, said = retouch(raster, options["strength"], through_the_model)
        loaded = self._loaded or loaded
        best = registry.models_of(choice.task)[0]
        return result, {
            "task": choice.task,
            "model": loaded.spec.id,
            "source_type": loaded.spec.source_type,
            "title": loaded.spec.title,
            "fell_back": choice.model == AUTO
            and loaded.spec.bundled is not None
            and loaded.spec is not best,
            "version": __version__,
            "device": str(loaded.device),
            "seed": options["seed"],
            "width": result.width,
            "height": result.height,
            "tiles": sum(run.tiles for run in runs),
            "seconds": round(sum(run.seconds for run in runs), 3),
            "peak_bytes": max((run.peak_bytes for run in runs), default=0),
            "notes": [*provided, *loaded.notes, *notes, *said],
        }

    def _run(
        self,
        choice: Choice,
        image: Tensor,
        asked: Options,
        report: Report,
        notes: list[str],
    ) -> Restored:
        from pixelmend_engine import restore

        loaded = self.load(choice)
        try:
            return restore.restore(
                loaded.pipeline, loaded.spec, image, asked, loaded.device, report
            )
        except OutOfMemory as error:
            if choice.device != AUTO or loaded.device.type == "cpu":
                raise
            notes.append(f"{error.message}; the CPU did it, more slowly")
        # The last resort, where the user did not ask for that GPU.
        logger.warning("out of memory on the GPU: going on with the CPU")
        loaded = self.load(dataclasses.replace(choice, device="cpu"))
        return restore.restore(loaded.pipeline, loaded.spec, image, asked, loaded.device, report)

    def release(self) -> None:
        """Gives the model's memory back to the system."""
        if self._loaded is None:
            return
        device = self._loaded.device
        self._choice = self._loaded = None
        gc.collect()
        from pixelmend_engine import devices

        devices.give_back(device)


def _load_first(found: list[Attempt], device: torch.device, dtype: torch.dtype) -> Loaded:
    from pixelmend_engine import devices, loading

    notes: list[str] = []
    while True:
        attempt = found[len(notes)]
        try:
            spec, pipeline = loading.load(attempt.specs, attempt.files, device, dtype)
            return Loaded(spec, pipeline, device, tuple(notes))
        except UnreadableCheckpoint as error:
            if attempt is found[-1]:
                raise
            notes.append(
                f"The weights of `{attempt.specs[0].id}` were passed over: {error.message}"
            )
        except (RuntimeError, MemoryError) as error:
            if not devices.is_out_of_memory(error):
                raise
            raise OutOfMemory(
                f"The memory of `{device}` does not hold the model", hint="Close other programs"
            ) from error
