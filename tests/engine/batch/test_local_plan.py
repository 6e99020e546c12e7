"""As many workers as there is room for, each with its share of the cores."""

import dataclasses

import psutil
from batches import STEP

from pixelmend_engine.batch import local_plan
from pixelmend_engine.batch.job import BatchJob


def test_cores_are_shared(job: BatchJob) -> None:
    planned = local_plan.workers(job, 2)
    cores = psutil.cpu_count(logical=False) or 1
    assert [one.threads for one in planned] == [max(1, cores // 2)] * 2
    assert [one.steps[0]["device"] for one in planned] == ["cpu", "cpu"]


def test_there_is_room_for_one_at_least(job: BatchJob) -> None:
    planned = local_plan.workers(job, None)
    assert 1 <= len(planned) <= max(1, (psutil.cpu_count(logical=False) or 1) // 2)


def test_a_device_by_name_is_for_all(job: BatchJob) -> None:
    cuda = dataclasses.replace(job, steps=({**STEP, "device": "cuda:1"},))
    assert [one.steps[0]["device"] for one in local_plan.workers(cuda, 2)] == ["cuda:1"] * 2
    assert len(local_plan.workers(cuda, None)) == 1
