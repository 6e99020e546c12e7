"""Which model a picture goes through, as far as that is known without one. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pixelmend.errors import WeightsMissing
from pixelmend_engine.catalog import faces, registry, tasks
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.options import NONE
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.catalog.spec import ModelSpec, Task
from pixelmend_engine.weights import store

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Which model is to compute, where and how."""

    task: Task
    model: str = AUTO  # or an id
    scale: float = 1.0  # the result's size over the picture's
    weights: Path | None = None  # a folder or file of the user's own
    device: str = AUTO
    precision: Precision = AUTO
    background: ModelChoice | None = (
        None  # what restores the rest of a picture whose faces are restored
    )
    face_files: tuple[str, ...] = ()  # files that look at the picture, whatever the model is

    @classmethod
    def of(cls, task: Task, options: Mapping[str, Any], weights: Path | None = None) -> ModelChoice:
        """Returns what a task's options choose; see `tasks.check`."""
        names = ("model", "scale", "device", "precision")
        named: dict[str, Any] = {name: options[name] for name in names}
        if task != "face" or options["aligned"]:
            return cls(task=task, weights=weights, **named)
        background = None
        if options["background"] != NONE:
            behind, model, scale = tasks.background_of(options)
            named_behind: dict[str, Any] = named | {"model": model, "scale": scale}
            background = cls(task=behind, **named_behind)
        face_files = () if options["boxes"] else (faces.DETECTOR, faces.PARSER)
        return cls(
            task=task, weights=weights, background=background, face_files=face_files, **named
        )


@dataclass(frozen=True)
class Candidate:
    """Models that the files of one place may hold."""

    specs: tuple[ModelSpec, ...]
    files: tuple[Path, ...]
    rest: tuple[Path, ...] = ()  # what is here of the same model, where the files are a part of it


def candidates(choice: ModelChoice, models_dir: Path) -> list[Candidate]:
    """Lists what a choice may mean, best first; `auto` goes on where weights are unusable.

    Raises:
        UnknownModel: The model is not in the catalog, or not for this task.
        BadRequest: No model enlarges by that scale.
        WeightsMissing: Its weights are not on this computer.
    """
    if choice.weights is not None:
        models = registry.matching(choice.task, choice.model, choice.scale)
        if choice.model == AUTO:
            own = (
                model
                for model in registry.TRAINABLE
                if choice.task in model.tasks and model.enlarges(choice.scale)
            )
            models = (*models, *own)
        rest: tuple[Path, ...] = ()
        if choice.model != AUTO and isinstance(models[0].config, DiffBIRConfig):
            rest = store.here(models[0], models_dir)
        return [Candidate(models, store.files_at(choice.weights), rest)]
    task = choice.task
    models = installed_or_best(choice, models_dir)  # which then says that it is missing
    return [Candidate((model,), store.locate(model, models_dir, task)) for model in models]


def installed_or_best(choice: ModelChoice, models_dir: Path) -> tuple[ModelSpec, ...]:
    """Lists the models of a choice whose weights are here, best first; or the best, if none is.

    Raises:
        UnknownModel: The model is not in the catalog, or not for this task.
        BadRequest: No model enlarges by that scale.
    """
    models = registry.matching(choice.task, choice.model, choice.scale)
    here = tuple(m for m in models if store.state(m, models_dir, choice.task) != "missing")
    return here or models[:1]


def check(choice: ModelChoice, models_dir: Path, *, offline: bool, selected: bool = False) -> None:
    """Finds out whether a choice can come true, as far as that is known before any work.

    Where something is `selected`, faces need not be found.

    Raises:
        UnknownModel: The model is not in the catalog, or not for this task.
        BadRequest: No model enlarges by that scale.
        WeightsMissing: Its weights are not on this computer, and can't be downloaded.
    """
    registry.matching(choice.task, choice.model, choice.scale)
    for file_id in choice.face_files if offline and not selected else ():
        try:
            store.locate_file(file_id, models_dir)
        except WeightsMissing as error:
            raise faces.not_to_be_had(error) from error
    if choice.weights is not None or offline:
        candidates(choice, models_dir)
