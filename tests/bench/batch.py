"""What a batch costs beside its restorations: pictures an hour, waits, overhead.

    python tests/bench/batch.py

Restores crops of one photograph with 1 and 2 workers of one thread each; then small pictures with a
restoration that takes no time.
"""

import dataclasses
import os
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
from pixelmend_engine.batch.pool import WorkerPool

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "astronaut.png"
SIDE = 256  # pixels
COPIES = 24
SMALL = 2000


def main() -> None:
    """Prints the figures."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PIXELMEND_HOME"] = str(Path(folder, "home"))
        source = _copies(Path(folder, "photographs"))
        for workers in (1, 2):
            _measure(source, Path(folder, f"with-{workers}"), workers)
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


def _measure(source: Path, target: Path, workers: int) -> None:
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
        f"{max(0.0, 1 - computing / (wall * workers)):.1%} of the time, which is what a picture "
        "costs beside its restoration"
    )


def _one_thread(job: BatchJob) -> BatchJob:
    return dataclasses.replace(job, threads=1)


if __name__ == "__main__":
    main()
