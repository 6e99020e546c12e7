"""What a lost manifest had: results that are there, by what they say of themselves."""

import contextlib
from pathlib import Path
from typing import Any

from pixelmend.errors import PixelmendError
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.storage import Storage
from pixelmend_engine.images import files as images
from pixelmend_engine.images import xmp
from pixelmend_engine.images.damage import Damaged


def adopt_results(manifest: Manifest, job: BatchJob, target: Storage, key: str) -> int:
    """Takes results for done whose metadata name the job's tasks and seeds; returns how many.

    Of the sources nothing is known then but size and time, as they are now.
    """
    count = 0
    waiting = [(row["address"], row["result"]) for row in manifest.rows("state = 'waiting'")]
    for address, result in waiting:
        if target.exists(result) and (models := _models(target, result, job)) is not None:
            steps: list[dict[str, Any]] = [{"model": model} for model in models]
            with manifest.transaction():
                manifest.adopt(address, key, {"steps": steps, "notes": ["taken over"]})
            count += 1
    return count


def _models(target: Storage, result: str, job: BatchJob) -> list[str] | None:
    try:
        with target.fetch(result) as path:
            history = _history(path)
    except PixelmendError:
        return None
    lines = [line for line in history if line.startswith("Pixelmend ")]
    requests = job.requests()
    if len(lines) < len(requests):
        return None
    models: list[str] = []
    for line, request in zip(lines[-len(requests) :], requests, strict=True):
        fields = line.partition(": ")[2].split(", ")
        if fields[0] != request.task or fields[-1] != f"seed {request.options['seed']}":
            return None
        models.append(fields[1].removeprefix("model "))
    return models


def _history(path: Path) -> list[str]:
    packet = images.read(path).metadata.xmp
    if packet is not None:
        with contextlib.suppress(Damaged):
            return xmp.history(packet)
    return []
