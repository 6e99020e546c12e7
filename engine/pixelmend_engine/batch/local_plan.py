"""How many workers a computer has room for, and what each computes with. torch stays out of it."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import psutil

from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.catalog import weight_files
from pixelmend_engine.catalog.spec import LARGEST_TILE
from pixelmend_engine.inference import memory
from pixelmend_engine.restoration.model_choice import installed_or_best

PROCESS_BYTES = 700_000_000  # of Python, torch and a picture's own pixels (measured)
CORES_EACH = 2  # fewer leave a core to one picture, and torch little to share


def workers(job: BatchJob, count: int | None) -> list[BatchJob]:
    """Returns each worker's job: `count` of them, or as many as there are GPUs, or room.

    What is free now is divided among them: none of them plans for what another will take.
    """
    device = str(job.steps[0].get("device", "auto"))
    gpus = _count_gpus() if device == "auto" else 0
    free_bytes = memory.granted().free_bytes
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if count is None:
        count = gpus or (1 if device.startswith("cuda") else _room(job, cores, free_bytes))
    on_gpu = bool(gpus) or device.startswith("cuda")
    shared = dataclasses.replace(
        job,
        threads=0 if on_gpu else max(1, cores // count),
        memory_bytes=None if count == 1 else free_bytes // count,
        gpu_fraction=1 / math.ceil(count / (gpus or 1)) if on_gpu else 1.0,
    )
    return [_on(shared, f"cuda:{n % gpus}" if gpus else device) for n in range(count)]


def worker_bytes(job: BatchJob) -> int:
    """Returns the memory in which a worker cuts pictures into the largest tiles.

    Pixelmend's own sum: what a process takes, twice the weights (as they are read, and as they are
    computed with), and one tile by the model's measured cost per pixel, beside which as much stays
    free as plans leave.
    """
    weights: dict[str, int] = {}  # of each model: several steps may have one
    largest_tile = 0
    for request in job.requests():
        for choice in (request.model, request.model.background):
            if choice is not None:
                spec = installed_or_best(choice, Path(job.models_dir))[0]
                own = weight_files.about_bytes(spec, choice.task)
                weights[spec.id] = max(own, weights.get(spec.id, 0))
                largest_tile = max(largest_tile, spec.cost.tile_bytes_per_pixel * LARGEST_TILE**2)
    planned_bytes = int(largest_tile / memory.PLANNED_SHARE)
    return PROCESS_BYTES + 2 * sum(weights.values()) + planned_bytes


def _on(job: BatchJob, device: str) -> BatchJob:
    return dataclasses.replace(job, steps=tuple({**step, "device": device} for step in job.steps))


def _room(job: BatchJob, cores: int, free_bytes: int) -> int:
    return max(1, min(cores // CORES_EACH, free_bytes // worker_bytes(job)))


def _count_gpus() -> int:
    # In a process of its own: what lists 200,000 pictures has no use for torch.
    ended = subprocess.run(
        [sys.executable, "-I", "-c", "import torch; print(torch.cuda.device_count())"],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(ended.stdout) if ended.returncode == 0 and ended.stdout.strip().isdecimal() else 0
