"""A job says what decides its results, and travels."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from batches import STEP

from pixelmend.errors import BadRequest, UnknownModel
from pixelmend_engine.batch.job import BatchJob


def test_a_job_travels(job: BatchJob) -> None:
    assert BatchJob.from_json(job.to_json()) == job


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"strength": 0.5}, False),
        ({"seed": 1}, False),
        ({"model": "diffir-deblur"}, False),
        ({"strength": 1.0}, True),  # the default
        ({"device": "auto"}, True),
        ({"offline": True}, True),
        ({"downloads": "never"}, True),
    ],
)
def test_results_are_told_apart_by_what_decides_them(
    change: dict[str, Any], is_same: bool, job: BatchJob
) -> None:
    other = dataclasses.replace(job, steps=({**STEP, **change},))
    assert (other.key() == job.key()) is is_same


def test_weights_of_the_users_own_decide_too(job: BatchJob, tmp_path: Path) -> None:
    weights = tmp_path / "own.safetensors"
    weights.write_bytes(b"1")
    own = dataclasses.replace(job, weights=str(weights))
    before = own.key()
    weights.write_bytes(b"22")
    assert len({job.key(), before, own.key()}) == 3


def test_steps_in_turn_multiply_their_scales(job: BatchJob) -> None:
    upscale = {"task": "upscale", "model": "diffir-realsr-x2"}
    chain = dataclasses.replace(job, steps=(STEP, upscale))
    assert (job.scale, chain.scale) == (1, 2)


def test_what_can_not_be_done_is_refused(job: BatchJob) -> None:
    with pytest.raises(BadRequest, match="No task"):
        dataclasses.replace(job, steps=()).requests()
    with pytest.raises(UnknownModel):
        dataclasses.replace(job, steps=({**STEP, "model": "none"},)).requests()
    with pytest.raises(BadRequest):
        dataclasses.replace(job, steps=({**STEP, "scale": 2},)).requests()
