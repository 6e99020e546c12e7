"""Workers are processes, and their ends are noticed."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from batches import COMMAND

from pixelmend.errors import EngineUnavailable
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.local_pool import LocalPool
from pixelmend_engine.batch.pool import Completion, Event, WorkerExit
from pixelmend_engine.batch.records import Lease


def events(pool: LocalPool) -> list[Event]:
    found: list[Event] = []
    while not found:
        found = pool.wait(1.0)
    return found


def test_a_worker_answers_and_is_replaced_when_it_ends(job: BatchJob, tmp_path: Path) -> None:
    pool = LocalPool([job], tmp_path / "log", COMMAND)
    (name,) = pool.workers()
    pool.send(name, Lease(id=1, address="a.png", result="a.png", replaces=False, content=None))
    (event,) = events(pool)
    assert isinstance(event, Completion)
    assert event.outcome.state == "done"
    (before,) = pool.pids()
    os.kill(before, signal.SIGKILL)
    (event,) = events(pool)
    assert isinstance(event, WorkerExit)
    assert "SIGKILL" in event.reason
    (after,) = pool.pids()
    assert after != before
    pool.close()
    assert pool.workers() == []
    assert not psutil.pid_exists(after)


def _wait_for_ever(pool: LocalPool) -> None:
    while True:
        pool.wait(1.0)


def test_workers_that_never_come_to_life_end_the_batch(job: BatchJob, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no torch here')")
    pool = LocalPool([job], tmp_path / "log", command)
    with pytest.raises(EngineUnavailable, match="as soon as they start"):
        _wait_for_ever(pool)
    assert "no torch here" in (tmp_path / "log").read_text()
    pool.close()


def test_a_worker_ends_with_its_head(job: BatchJob, tmp_path: Path) -> None:
    pool = LocalPool([job], tmp_path / "log", COMMAND)
    (pid,) = pool.pids()
    pool._workers["worker-0"].input.close()  # pyright: ignore[reportPrivateUsage] - as if killed
    (event,) = events(pool)
    assert event == WorkerExit("worker-0", "it ended with exit code 0")
    assert not psutil.pid_exists(pid)
    pool.close()
