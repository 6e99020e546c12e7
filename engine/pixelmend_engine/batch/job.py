"""What is to be done with every picture of a batch: data that travels to workers. No torch."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog import tasks, weight_files
from pixelmend_engine.restoration.model_choice import ModelChoice, installed_or_best
from pixelmend_engine.restoration.task_request import TaskRequest
from pixelmend_engine.weights import store

NOT_IN_RESULTS = ("device", "offline", "downloads")  # options that do not change what comes out


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """Where pictures come from and go to, and the tasks that each goes through in turn."""

    source: str
    target: str
    steps: tuple[Mapping[str, Any], ...]  # parameters of each task, as `TaskRequest.of` takes them
    models_dir: str
    weights: str | None = None  # the user's own, for all steps
    provenance: bool = True
    threads: int = 0  # that a worker computes with; 0: as torch likes
    memory_bytes: int | None = None  # that a worker plans with; None: as much as is free
    gpu_fraction: float = 1.0  # of its GPU's memory, likewise
    stall_timeout_s: float | None = None  # without progress; None: by what is estimated

    def requests(self) -> list[TaskRequest]:
        """Reads the steps.

        Raises:
            BadRequest: There is none, or an option is not what its schema says.
            UnknownModel: There is no such model, or it is not for this task.
        """
        if not self.steps:
            raise BadRequest("No task was named", hint="Say what to do with --task, as `deblur`")
        weights = None if self.weights is None else Path(self.weights)
        return [TaskRequest.of(step, weights) for step in self.steps]

    @property
    def scale(self) -> float:
        """How many times wider and higher than its source a result is."""
        scale = 1.0
        for request in self.requests():
            scale *= tasks.result_scale(request.options)
        return scale

    def key(self) -> str:
        """Returns a hash of all that decides what comes out: tasks, options, models.

        A model's part in it is what is here of it, or would be fetched.
        """
        described = [
            {
                "task": request.task,
                "options": {
                    name: value
                    for name, value in request.options.items()
                    if name not in NOT_IN_RESULTS
                },
                "models": _models(request.model, Path(self.models_dir)),
            }
            for request in self.requests()
        ]
        text = json.dumps([described, self.provenance], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        """Writes it as it travels."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "BatchJob":
        """Reads it."""
        fields = json.loads(text)
        return cls(**fields | {"steps": tuple(fields["steps"])})


def _models(choice: ModelChoice, models_dir: Path) -> list[list[str]]:
    spec = installed_or_best(choice, models_dir)[0]
    described = [spec.id]
    if choice.weights is not None:
        described += [_fingerprint(path) for path in store.files_at(choice.weights)]
    elif spec.bundled is not None:
        described.append(spec.bundled.sha256)
    else:
        files = weight_files.needed(spec, choice.task)
        described += [f"{file.id} {file.sha256 or file.about_bytes}" for file in files]
    behind = [] if choice.background is None else _models(choice.background, models_dir)
    return [described, *behind]


def _fingerprint(path: Path) -> str:
    # Of the user's own files, which may have gigabytes: size and time tell them apart.
    status = path.stat()
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"
