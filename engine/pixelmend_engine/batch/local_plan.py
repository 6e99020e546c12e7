"""How many workers a computer has room for, and what each computes with. torch stays out of it."""

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
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

    Pixelmend's own sum: what a process takes, twice the weights (as they are read, and as they are
    computed with), and one tile by the model's measured cost per pixel.
    """
    device = str(job.steps[0].get("device", "auto"))
    gpus = _count_gpus() if device == "auto" else 0
    if gpus:
        return [_on(job, f"cuda:{number % gpus}", 0) for number in range(count or gpus)]
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if count is None:
        count = 1 if device.startswith("cuda") else _room(job, cores)
    threads = 0 if device.startswith("cuda") else max(1, cores // count)
    return [_on(job, device, threads) for _ in range(count)]


def _on(job: BatchJob, device: str, threads: int) -> BatchJob:
    steps = tuple({**step, "device": device} for step in job.steps)
    return dataclasses.replace(job, steps=steps, threads=threads)


def _room(job: BatchJob, cores: int) -> int:
    needed = PROCESS_BYTES + sum(_step_bytes(job))
    return max(1, min(cores // CORES_EACH, memory.granted().free_bytes // needed))


def _step_bytes(job: BatchJob) -> Sequence[int]:
    sizes: list[int] = []
    for request in job.requests():
        choice = request.model
        spec = installed_or_best(choice, Path(job.models_dir))[0]
        weights = weight_files.about_bytes(spec, choice.task)
        sizes.append(2 * weights + spec.cost.tile_bytes_per_pixel * LARGEST_TILE**2)
    return sizes


def _count_gpus() -> int:
    # In a process of its own: what lists 200,000 pictures has no use for torch.
    ended = subprocess.run(
        [sys.executable, "-I", "-c", "import torch; print(torch.cuda.device_count())"],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(ended.stdout) if ended.returncode == 0 and ended.stdout.strip().isdecimal() else 0
