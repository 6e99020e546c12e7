"""What tests of batches share: pictures that tell a worker how to behave, and such workers.

python batches.py worker      a worker whose restoration inverts, and obeys the first pixel
python batches.py SRC DST     the command over such workers, for tests that kill it
"""

import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixelmend.errors import DiskFull, NoFaceFound
from pixelmend.wire import Raster
from pixelmend_cli import batch_run, settings
from pixelmend_cli.batch_run import BatchOptions
from pixelmend_engine.batch import local_plan, worker
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.local_pool import LocalPool
from pixelmend_engine.batch.picture_restorer import Runs
from pixelmend_engine.batch.pool import WorkerPool
from pixelmend_engine.restoration.task_request import ProgressCallback, TaskRequest

STEP: dict[str, Any] = {"task": "deblur", "model": "hi-diff-compact", "device": "cpu"}
COMMAND = (sys.executable, str(Path(__file__)), "worker")
PLAIN, KILLS, RAISES, FULL, FACELESS, HANGS, STOPS = 200, 1, 2, 3, 4, 5, 6  # first pixels
MODEL_FACTS: dict[str, Any] = {
    "model": "inverting",
    "source_type": "algorithmicallyEnhanced",
    "version": "0",
    "device": "cpu",
    "peak_bytes": 1,
    "notes": [],
}


class Inverting:
    """Restores nothing: it inverts, at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def run(
        self, raster: Raster, request: TaskRequest, progress: ProgressCallback
    ) -> tuple[Raster, dict[str, Any]]:
        pixels = np.frombuffer(raster.data, np.uint8)
        match int(pixels[0]):
            case 1:
                os.kill(os.getpid(), signal.SIGKILL)
            case 2:
                raise RuntimeError("a bug")
            case 3:
                raise DiskFull("The models do not fit", hint="Make room")
            case 4:
                raise NoFaceFound("There is no face", hint="None")
            case 5:
                threading.Event().wait()
            case 6:
                os.kill(os.getpid(), signal.SIGSTOP)
            case _:
                time.sleep(self.seconds)
        facts = {"task": request.task, "seed": request.options["seed"], **MODEL_FACTS}
        return dataclasses.replace(raster, data=(255 - pixels).tobytes()), facts

    def release(self) -> None:
        """Nothing is loaded."""


def inverting(job: BatchJob) -> Sequence[Runs]:
    """Takes the place of models."""
    return [Inverting(float(os.environ.get("INVERTING_S", "0"))) for _ in job.steps]


def picture(path: Path, first: int = PLAIN, number: int = 0) -> Path:
    """Writes a small picture whose first pixel tells a worker what to do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((8, 12, 3), 100 + number % 100, np.uint8)
    pixels[0, 0] = first
    Image.fromarray(pixels).save(path)
    return path


def options(source: Path | str, target: Path | str, **more: Any) -> BatchOptions:
    """What a user asks for who asks for nothing else."""
    asked: dict[str, Any] = {
        "source": str(source),
        "target": str(target),
        "weights": None,
        "provenance": True,
        "workers": 1,
        "resume": False,
        "fresh": False,
        "retries": 2,
        "report": None,
        "limit": None,
        "dry_run": False,
        "quiet": True,
        "watched": False,
        **more,
    }
    return BatchOptions(**asked)


Run = Callable[..., int]


def run(source: Path | str, target: Path | str, *steps: dict[str, Any], **more: Any) -> int:
    """Runs a batch over inverting workers; returns the exit code."""

    def start(asked: BatchOptions, job: BatchJob, log: Path) -> WorkerPool:
        if asked.ray is not None:
            from pixelmend_engine.batch.ray_pool import RayPool

            return RayPool(job, asked.ray, asked.workers, inverting)
        return LocalPool(local_plan.workers(job, asked.workers), log, COMMAND)

    config = settings.resolve(os.environ)
    return batch_run.run(options(source, target, **more), steps or [STEP], config, start)


def main() -> None:
    """See above."""
    if sys.argv[1:] == ["worker"]:
        worker.main(inverting)
    else:
        sys.exit(run(sys.argv[1], sys.argv[2], workers=2))


if __name__ == "__main__":
    main()
