"""What is to be done with one picture: read and checked once, where it comes in. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pixelmend_engine.catalog import tasks
from pixelmend_engine.catalog.spec import Task
from pixelmend_engine.restoration.model_choice import ModelChoice


@dataclass(frozen=True, kw_only=True)
class TaskRequest:
    """A restoration: which, with which options, by which model."""

    task: Task
    options: Mapping[str, Any]  # all of the task's (`options.of_task`), checked
    model: ModelChoice

    @classmethod
    def of(cls, parameters: Mapping[str, Any], weights: Path | None = None) -> TaskRequest:
        """Reads what a front end sent, or a command's options; `weights` are the user's own.

        Raises:
            BadRequest: There is no such task, or an option is not what its schema says.
            UnknownModel: There is no such model, or it is not for this task.
        """
        task, options = tasks.check(parameters)
        return cls(task=task, options=options, model=ModelChoice.of(task, options, weights))


@dataclass(frozen=True, kw_only=True)
class FindFacesRequest:
    """A search for faces, which needs no model that restores."""

    options: Mapping[str, Any]  # those of `options.FINDING`, all of them, checked

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> FindFacesRequest:
        """Reads what a front end sent, or a command's options.

        Raises:
            BadRequest: An option is not what its schema says.
        """
        return cls(options=tasks.check_finding(parameters))


Request = TaskRequest | FindFacesRequest


def read(parameters: Mapping[str, Any]) -> Request:
    """Reads what a front end sent.

    Raises:
        PixelmendError: See `TaskRequest.of` and `FindFacesRequest.of`.
    """
    if parameters.get("task") == tasks.FIND_FACES:
        return FindFacesRequest.of(parameters)
    return TaskRequest.of(parameters)


@dataclass(frozen=True, kw_only=True)
class PlanLimit:
    """What the plan of a picture may take of memory, and who is told what it takes. Bytes."""

    most_bytes: int | None = None  # None: as much as memory allows
    tell_planned: Callable[[int], None] | None = None


@runtime_checkable
class ProgressCallback(Protocol):
    """Who is told how far a request is."""

    def __call__(self, phase: str, done: int, total: int, message: str = "", /) -> None:
        """Takes a phase, what is done and what there is in all, and words where there are any.

        The phases are `download` (bytes; the words name a file), `load` and `run` (steps; words
        are what the user should know before it begins, and come without steps).

        Raises:
            Canceled: Nobody wants it any more.
        """
        ...
