"""What a batch costs beside its restorations: pictures an hour, waits, overhead.

    python tests/bench/batch.py

Restores crops of one photograph bare, one after the other in this process, and with 1 and 2 workers
of one thread each, in turns; then small pictures with a restoration that takes no time.
"""

import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import batches
from batches import STEP
from PIL import Image

from pixelmend_cli import batch_run, settings
from pixelmend_engine.batch import local_plan, manifest
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.local_pool import LocalPool
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.picture_restorer import sessions_of
from pixelmend_engine.batch.pool import WorkerPool
from pixelmend_engine.images import files as images

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "astronaut.png"
SIDE = 256  # pixels
COPIES = 24
SMALL = 2000
TURNS = 5


def main() -> None:
    """Prints the figures."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PIXELMEND_HOME"] = str(Path(folder, "home"))
        source = _copies(Path(folder, "photographs"))
        overheads: list[float] = []
        for turn in range(TURNS):
            bare = _bare(source)
            each = _measure(source, Path(folder, f"one-{turn}"), 1)
            overheads.append(each / bare - 1)
            print(f"bare: {bare:.3f} s a picture; in a batch {overheads[-1]:+.1%}")
        print(f"a batch takes {statistics.median(overheads):+.1%}, the median of {TURNS}")
        _measure(source, Path(folder, "two"), 2)
        small = Path(folder, "small")
        for number in range(SMALL):
            batches.picture(small / f"{number % 20}" / f"{number}.png", number=number)
        started = time.perf_counter()
        assert batches.run(small, Path(folder, "inverted")) == 0
        wall = time.perf_counter() - started
        print(f"no time to restore: {SMALL / wall:.0f} small pictures a second, start and all")


def _copies(folder: Path) -> Path:
    folder.mkdir()
    with Image.open(PHOTOGRAPH) as photograph:
        for number in range(COPIES):
            left = number * 8
            photograph.crop((left, 64, left + SIDE, 64 + SIDE)).save(folder / f"{number}.png")
    return folder


def _bare(source: Path) -> float:
    # Seconds a picture, from memory to memory.
    job = BatchJob(source=str(source), target="", steps=(STEP,), models_dir=str(source))
    (request,), (session,) = job.requests(), sessions_of(job)
    times: list[float] = []
    for path in sorted(source.iterdir()):
        raster = images.to_raster(images.read(path))
        started = time.perf_counter()
        session.run(raster, request, _untold)
        times.append(time.perf_counter() - started)
    return statistics.fmean(times[1:])


def _untold(phase: str, done: int, total: int, message: str = "", /) -> None:
    """Reports to nobody."""


def _measure(source: Path, target: Path, workers: int) -> float:
    def start(asked: Any, job: BatchJob, log: Path) -> WorkerPool:
        planned = local_plan.workers(job, asked.workers)
        return LocalPool([_one_thread(one) for one in planned], log)

    config = settings.resolve(os.environ)
    options = batches.options(source, target, workers=workers)
    assert batch_run.run(options, [STEP], config, start) == 0
    with Manifest(target / manifest.FOLDER / manifest.NAME) as book:
        rows = sorted(book.rows(), key=lambda row: row["finished_at"])
    # From the end of each worker's first picture, so that starting and loading do not count.
    loaded = rows[2 * workers - 1 :]
    wall = loaded[-1]["finished_at"] - loaded[0]["finished_at"]
    each = wall / (len(loaded) - 1)
    computing = sum(row["seconds"] for row in loaded[1:])
    print(
        f"{workers} worker(s): {3600 / each:,.0f} pictures an hour; the device waits "
        f"{max(0.0, 1 - computing / (wall * workers)):.1%} of the time"
    )
    return each


def _one_thread(job: BatchJob) -> BatchJob:
    return dataclasses.replace(job, threads=1)


if __name__ == "__main__":
    main()
