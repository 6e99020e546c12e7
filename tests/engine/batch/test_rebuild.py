"""Results say of themselves what they are, where nothing else does any more."""

from pathlib import Path

import pytest
from batches import inverting, picture

from pixelmend_engine.batch import head, manifest, rebuild
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.listing import open_listing
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.picture_restorer import PictureRestorer
from pixelmend_engine.batch.records import Lease
from pixelmend_engine.batch.storage import LocalStorage


@pytest.mark.parametrize(("seed", "adopted"), [(0, 1), (1, 0)])
def test_results_with_the_same_tasks_and_seeds_are_taken_over(
    seed: int, adopted: int, job: BatchJob, target: Path
) -> None:
    lease = Lease(id=1, address="a.png", result="a.png", replaces=False, content=None)
    assert PictureRestorer(job, inverting(job)).restore(lease).state == "done"
    picture(target / "b.png")  # not ours
    asked = BatchJob.from_json(job.to_json().replace('"task"', f'"seed": {seed}, "task"'))
    with Manifest(target / manifest.FOLDER / manifest.NAME) as book:
        found = open_listing(job.source, job.target)
        for _ in head.list_all(book, found, book.begin_run(fresh=False), "key", ignores_case=False):
            pass
        storage = LocalStorage(job.target)
        assert rebuild.adopt_results(book, asked, storage, "key") == adopted
        states = {row["address"]: row["state"] for row in book.rows()}
    assert states["a.png"] == ("done" if adopted else "waiting")
    assert states["b.png"] == "waiting"
