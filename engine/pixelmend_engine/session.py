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
from pixelmend_engine.registry import AUTO

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

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which model is to compute, where and how."""

    task: Task
    model: str = AUTO  # or an id
    scale: float = 1.0  # the result's size over the picture's
    weights: Path | None = None  # a folder or file of the user's own
    device: str = AUTO
    precision: Precision = AUTO

    @classmethod
    def of(cls, task: Task, options: Mapping[str, Any], weights: Path | None = None) -> Choice:
        """Returns what a task's options choose; see `tasks.check`."""
        named = {name: options[name] for name in ("model", "scale", "device", "precision")}
        return cls(task=task, weights=weights, **named)


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
        BadRequest: No model enlarges by that scale.
        WeightsMissing: Its weights are not on this computer.
    """
    models = registry.chosen(choice.task, choice.model, choice.scale)
    if choice.weights is not None:
        return [Attempt(models, weights.given(choice.weights))]
    here = tuple(m for m in models if weights.state(m, models_dir) != "missing")
    models = here or models[:1]  # which then says that it is missing
    return [Attempt((model,), weights.locate(model, models_dir)) for model in models]


def check(choice: Choice, models_dir: Path, *, offline: bool) -> None:
    """Finds out whether a choice can come true, as far as that is known before any work.

    Raises:
        UnknownModel: The model is not in the catalogue, or not for this task.
        BadRequest: No model enlarges by that scale.
        WeightsMissing: Its weights are not on this computer, and can't be downloaded.
    """
    registry.chosen(choice.task, choice.model, choice.scale)
    if choice.weights is not None or offline:
        attempts(choice, models_dir)


class Session:
    """Keeps the model of the last choice, because the next is mostly the same."""

    def __init__(self, models_dir: Path, network: Network = OFFLINE) -> None:
        self._models_dir = models_dir
        self._provision = Provision(Installer(models_dir, network))
        self._where = ("", "")  # as the choice of the loaded model has it
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
        models = registry.chosen(choice.task, choice.model, choice.scale)
        if choice.model == AUTO:
            return self._provision.best(models, offline=offline, transferred=transferred)
        self._provision.named(models[0], offline=offline, transferred=transferred)
        return ()

    def load(self, choice: Choice) -> Loaded:
        """Returns the chosen model, ready; what was loaded before goes first.

        Raises:
            PixelmendError: See `attempts`, `devices.choose_device` and `loading.load`.
        """
        found = attempts(choice, self._models_dir)
        # A better model may have been installed since, or the loaded one removed.
        where = (choice.device, choice.precision)
        if self._loaded is not None and (where, found) == (self._where, self._found):
            return self._loaded
        self.release()
        from pixelmend_engine import devices

        devices.use_huge_pages()
        device = devices.choose_device(choice.device)
        dtype = devices.choose_dtype(choice.precision, device)
        self._loaded = _load_first(found, device, dtype)
        self._where, self._found = where, found
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

        `options` are those of the task (`options.of_task`), all of them; `provided` is what
        `provide` had to say. Returns the picture, and what there is to say about it.
        """
        from pixelmend_engine import restore
        from pixelmend_engine.enlarge import enlarge
        from pixelmend_engine.family import Request
        from pixelmend_engine.fill import fill
        from pixelmend_engine.retouch import retouch

        request = Request(seed=options["seed"], scale=choice.scale, options=options)
        tile = None if options["tile"] == AUTO else options["tile"]
        asked = restore.Options(request=request, tile=tile)
        runs: list[Restored] = []
        notes: list[str] = []

        def through_the_model(image: Tensor, number: int = 0, count: int = 1) -> Tensor:
            def report_share(done: int, total: int) -> None:
                report(number * total + done, count * total)

            runs.append(self._run(choice, image, asked, report_share, notes))
            return runs[-1].image

        loaded = self.load(choice)
        strength = options["strength"]
        match choice.task:
            case "upscale":
                result, said = enlarge(raster, choice.scale, strength, through_the_model)
            case "inpaint":
                result, said = fill(raster, strength, through_the_model)
            case "deblur" | "restore":
                result, said = retouch(raster, strength, through_the_model)
        loaded = self._loaded or loaded
        return result, {
            "task": choice.task,
            "model": loaded.spec.id,
            "source_type": loaded.spec.source_type,
            "title": loaded.spec.title,
            "version": __version__,
            "device": str(loaded.device),
            "seed": options["seed"],
            "scale": choice.scale,
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
        self._loaded = None
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
