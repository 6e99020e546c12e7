"""The head hands out pictures to workers that break, and loses none."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batches import COMMAND, FULL, HANGS, KILLS, RAISES, STOPS, picture

from pixelmend.errors import Canceled, DiskFull
from pixelmend_engine.batch import head, local_pool, manifest
from pixelmend_engine.batch.head import Batch
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.listing import open_listing
from pixelmend_engine.batch.local_pool import LocalPool
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.storage import LocalStorage


@pytest.fixture
def book(target: Path) -> Iterator[Manifest]:
    with Manifest(target / manifest.FOLDER / manifest.NAME) as opened:
        yield opened


def batch(book: Manifest, job: BatchJob, workers: int = 1, **more: Any) -> Batch:
    """Lists the pictures, and starts workers."""
    number = book.begin_run(fresh=False)
    found = open_listing(job.source, job.target)
    for _ in head.list_all(book, found, number, job.key(), ignores_case=False):
        pass
    pool = LocalPool([job] * workers, book.path.with_name("batch.log"), COMMAND)
    settings: dict[str, Any] = {"retries": 1, **more}
    return Batch(
        manifest=book, pool=pool, target=LocalStorage(job.target), key=job.key(), **settings
    )


def states(book: Manifest) -> dict[str, tuple[str, str | None]]:
    return {row["address"]: (row["state"], row["code"]) for row in book.rows()}


def test_all_pictures_are_restored(book: Manifest, job: BatchJob, target: Path) -> None:
    one = batch(book, job, workers=2)
    one.run()
    one.pool.close()
    assert set(states(book).values()) == {("done", None)}
    assert one.progress.restored == 3
    assert (target / "folder" / "c.png").is_file()
    assert {row["worker"] for row in book.rows()} <= {"worker-0", "worker-1"}


def test_a_picture_that_breaks_its_worker_fails_alone(
    book: Manifest, job: BatchJob, source: Path
) -> None:
    picture(source / "aa.png", KILLS)
    one = batch(book, job)
    one.run()
    one.pool.close()
    found = states(book)
    assert found.pop("aa.png") == ("failed", "worker-died")
    assert set(found.values()) == {("done", None)}
    (failed,) = book.rows("state = 'failed'")
    assert "SIGKILL" in failed["message"]
    assert failed["attempts"] == 2  # with one retry
    assert "aa.png" in one.interrupted_results


def test_a_picture_that_hangs_fails_alone(book: Manifest, job: BatchJob, source: Path) -> None:
    picture(source / "aa.png", HANGS)
    notes: list[str] = []
    one = batch(book, dataclasses.replace(job, stall_timeout_s=0.5), note=notes.append)
    one.run()
    one.pool.close()
    found = states(book)
    assert found.pop("aa.png") == ("failed", "worker-died")
    assert set(found.values()) == {("done", None)}
    assert one.progress.failed == 1
    attempts = {row["address"]: row["attempts"] for row in book.rows()}
    assert attempts.pop("aa.png") == 2  # with one retry
    assert set(attempts.values()) == {1}  # it is known which one hung
    (failed,) = book.rows("state = 'failed'")
    assert "got no further" in failed["message"]
    assert "--stall-timeout" in failed["hint"]
    assert [note for note in notes if "`aa.png` got no further" in note]


@pytest.mark.skipif(sys.platform == "win32", reason="it knows no SIGSTOP")
def test_a_worker_that_does_nothing_at_all_is_replaced(
    book: Manifest, job: BatchJob, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_pool, "MIN_SILENCE_S", 2.0)
    picture(source / "aa.png", STOPS)
    one = batch(book, dataclasses.replace(job, stall_timeout_s=2.0))
    one.run()
    one.pool.close()
    found = states(book)
    assert found.pop("aa.png") == ("failed", "worker-died")
    assert set(found.values()) == {("done", None)}
    (failed,) = book.rows("state = 'failed'")
    assert "it did nothing for" in failed["message"]


def test_a_bug_is_tried_again_and_then_told(book: Manifest, job: BatchJob, source: Path) -> None:
    picture(source / "bug.png", RAISES)
    one = batch(book, job)
    one.run()
    one.pool.close()
    assert states(book)["bug.png"] == ("failed", "internal")
    assert "RuntimeError: a bug" in book.path.with_name("batch.log").read_text()


def test_what_is_wrong_with_all_ends_the_batch_and_fails_none(
    book: Manifest, job: BatchJob, source: Path
) -> None:
    picture(source / "0.png", FULL)
    one = batch(book, job)
    with pytest.raises(DiskFull, match="do not fit"):
        one.run()
    one.pool.close()
    assert {state for state, _ in states(book).values()} <= {"waiting", "done"}
    assert states(book)["0.png"] == ("waiting", None)


def test_a_limit_is_kept(book: Manifest, job: BatchJob) -> None:
    one = batch(book, job, limit=2)
    one.run()
    one.pool.close()
    assert book.totals().done == 2


def test_who_asks_to_stop_gets_what_is_in_hand(book: Manifest, job: BatchJob, source: Path) -> None:
    for number in range(30):
        picture(source / f"more{number}.png")
    interrupts: list[int] = []
    one = batch(book, job)
    one.interrupts, one.tell = lambda: min(1, len(interrupts)), lambda: interrupts.append(1)
    with pytest.raises(Canceled, match="Stopped"):
        one.run()
    one.pool.close()
    totals = book.totals()
    assert totals.done >= 1
    assert totals.waiting >= 1
    assert totals.running == 0


def test_results_of_one_name_are_told_where_case_does_not_count(
    book: Manifest, job: BatchJob, source: Path
) -> None:
    picture(source / "A.png")
    number = book.begin_run(fresh=False)
    found = open_listing(job.source, job.target)
    for _ in head.list_all(book, found, number, job.key(), ignores_case=True):
        pass
    assert states(book)["a.png"] == ("failed", "bad-request")
    assert not head.ignores_case(LocalStorage(job.target))
