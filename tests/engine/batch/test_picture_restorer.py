"""One picture: from its file to its result, or to a sentence that says why not."""

import dataclasses
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import FULL, PLAIN, RAISES, STEP, Inverting, inverting, picture
from PIL import Image

from pixelmend.errors import OutOfMemory
from pixelmend.wire import Raster
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.picture_restorer import PictureRestorer, sessions_of
from pixelmend_engine.batch.records import Lease
from pixelmend_engine.inference import memory
from pixelmend_engine.restoration.task_request import ProgressCallback, TaskRequest


def lease(name: str, **more: Any) -> Lease:
    facts: dict[str, Any] = {"replaces": False, "content": None, **more}
    return Lease(id=7, address=name, result=name, **facts)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_a_picture_becomes_its_result(job: BatchJob, source: Path, target: Path) -> None:
    outcome = PictureRestorer(job, inverting(job)).restore(lease("folder/c.png"))
    assert (outcome.state, outcome.pixels, outcome.device) == ("done", 96, "cpu")
    before, after = (pixels(root / "folder" / "c.png") for root in (source, target))
    assert np.array_equal(after, 255 - before)
    with Image.open(target / "folder" / "c.png") as image:
        assert b"Pixelmend 0: deblur, model inverting, seed 0" in image.info["xmp"]


def test_steps_are_done_in_turn_without_files_in_between(job: BatchJob, target: Path) -> None:
    chain = dataclasses.replace(job, steps=(STEP, STEP))
    outcome = PictureRestorer(chain, inverting(chain)).restore(lease("a.png"))
    assert len(outcome.facts["steps"]) == 2
    assert pixels(target / "a.png")[0, 0, 0] == PLAIN


def test_a_result_says_nothing_where_it_is_not_to(job: BatchJob, target: Path) -> None:
    silent = dataclasses.replace(job, provenance=False)
    PictureRestorer(silent, inverting(silent)).restore(lease("a.png"))
    assert b"Pixelmend" not in (target / "a.png").read_bytes()


def test_the_same_content_is_not_restored_again(job: BatchJob, target: Path) -> None:
    restorer = PictureRestorer(job, inverting(job))
    content = restorer.restore(lease("a.png")).content
    assert restorer.restore(lease("a.png", content=content, replaces=True)).unchanged
    (target / "a.png").unlink()
    assert not restorer.restore(lease("a.png", content=content, replaces=True)).unchanged


def test_a_file_that_came_meanwhile_stays(job: BatchJob, target: Path) -> None:
    target.mkdir()
    (target / "a.png").write_bytes(b"mine")
    restorer = PictureRestorer(job, inverting(job))
    assert restorer.restore(lease("a.png")).code == "output-exists"
    assert (target / "a.png").read_bytes() == b"mine"
    assert restorer.restore(lease("a.png", replaces=True)).state == "done"


@pytest.mark.parametrize(
    ("first", "code", "fatal", "retry"),
    [(RAISES, "internal", False, True), (FULL, "disk-full", True, False)],
)
def test_what_goes_wrong_is_told(
    first: int, code: str, fatal: bool, retry: bool, job: BatchJob, source: Path
) -> None:
    picture(source / "x.png", first)
    outcome = PictureRestorer(job, inverting(job)).restore(lease("x.png"))
    assert (outcome.state, outcome.code) == ("failed", code)
    assert (outcome.fatal, outcome.retry) == (fatal, retry)
    assert outcome.message
    assert outcome.hint


def test_a_damaged_file_fails_for_good(job: BatchJob, source: Path) -> None:
    (source / "x.png").write_bytes(b"no picture")
    outcome = PictureRestorer(job, inverting(job)).restore(lease("x.png"))
    assert (outcome.code, outcome.retry, outcome.fatal) == ("bad-image", False, False)
    assert PictureRestorer(job, inverting(job)).restore(lease("none.png")).code == "bad-image"


def test_one_computes_while_others_read_and_write(job: BatchJob) -> None:
    computing: list[int] = []
    most: list[int] = []

    class Counting(Inverting):
        def run(
            self, raster: Raster, request: TaskRequest, progress: ProgressCallback
        ) -> tuple[Raster, dict[str, Any]]:
            computing.append(1)
            most.append(len(computing))
            result = super().run(raster, request, progress)
            computing.pop()
            return result

    restorer = PictureRestorer(job, [Counting(0.02)])
    names = ("a.png", "b.png", "folder/c.png")
    threads = [threading.Thread(target=restorer.restore, args=(lease(name),)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def test_who_shares_memory_is_told_that_it_does(
    job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TooLarge(Inverting):
        def run(
            self, raster: Raster, request: TaskRequest, progress: ProgressCallback
        ) -> tuple[Raster, dict[str, Any]]:
            raise OutOfMemory("It does not fit", hint="Close other programs")

    alone = PictureRestorer(job, [TooLarge()]).restore(lease("a.png"))
    assert alone.hint == "Close other programs"
    monkeypatch.setattr(memory, "_share", memory.Share(10**9))
    sharing = PictureRestorer(job, [TooLarge()]).restore(lease("a.png"))
    assert "--workers 1" in str(sharing.hint)


def test_a_step_without_memory_gets_that_of_the_others(job: BatchJob) -> None:
    class Large(Inverting):
        def run(
            self, raster: Raster, request: TaskRequest, progress: ProgressCallback
        ) -> tuple[Raster, dict[str, Any]]:
            if loaded == {"other"}:
                raise OutOfMemory("There is no room beside the other", hint="None")
            return super().run(raster, request, progress)

    class Other(Inverting):
        def release(self) -> None:
            loaded.clear()

    loaded = {"other"}
    chain = dataclasses.replace(job, steps=(STEP, STEP))
    assert PictureRestorer(chain, [Other(), Large()]).restore(lease("a.png")).state == "done"
    loaded.add("other")
    outcome = PictureRestorer(job, [Large()]).restore(lease("b.png"))
    assert (outcome.code, outcome.retry) == ("out-of-memory", True)


def test_steps_with_one_model_share_it(job: BatchJob) -> None:
    chain = dataclasses.replace(job, steps=(STEP, STEP, {**STEP, "precision": "bf16"}))
    first, second, third = sessions_of(chain)
    assert first is second
    assert first is not third
