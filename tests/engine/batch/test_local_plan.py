"""As many workers as there is room for, each with its share of the cores."""

import dataclasses
from typing import Any

import psutil
import pytest
from batches import STEP

from pixelmend_engine.batch import local_plan
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.inference import memory
from pixelmend_engine.inference.memory import Memory


def test_cores_are_shared(job: BatchJob) -> None:
    planned = local_plan.workers(job, 2)
    cores = psutil.cpu_count(logical=False) or 1
    assert [one.threads for one in planned] == [max(1, cores // 2)] * 2
    assert [one.steps[0]["device"] for one in planned] == ["cpu", "cpu"]


def test_there_is_room_for_one_at_least(job: BatchJob) -> None:
    planned = local_plan.workers(job, None)
    assert 1 <= len(planned) <= max(1, (psutil.cpu_count(logical=False) or 1) // 2)


def test_as_many_as_memory_allows_and_each_plans_for_its_share(
    job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_room(workers: float, cores: int = 64) -> list[BatchJob]:
        free = int(workers * local_plan.worker_bytes(job))
        granted = Memory(2 * free, free, "this computer")
        monkeypatch.setattr(memory, "granted", lambda: granted)
        monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: cores)
        return local_plan.workers(job, None)

    three = with_room(3.5)
    assert len(three) == 3
    for one in three:
        assert one.memory_bytes is not None
        assert local_plan.worker_bytes(job) <= one.memory_bytes
    assert sum(one.memory_bytes or 0 for one in three) <= memory.granted().free_bytes
    assert [one.memory_bytes for one in with_room(0.5)] == [None]  # one has all of it
    assert len(with_room(99, cores=8)) == 4


def test_workers_on_one_gpu_share_its_memory(
    job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = dataclasses.replace(job, steps=({**STEP, "device": "auto"},))
    monkeypatch.setattr(local_plan, "_count_gpus", lambda: 2)
    assert [one.gpu_fraction for one in local_plan.workers(auto, None)] == [1.0, 1.0]
    four = local_plan.workers(auto, 4)
    assert [one.gpu_fraction for one in four] == [0.5] * 4
    assert [one.steps[0]["device"] for one in four] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]


def test_a_model_of_several_steps_is_there_once(job: BatchJob) -> None:
    large: dict[str, Any] = {"task": "deblur", "model": "hi-diff-gopro", "device": "cpu"}
    once = dataclasses.replace(job, steps=(large,))
    twice = dataclasses.replace(job, steps=(large, large))
    assert local_plan.worker_bytes(once) == local_plan.worker_bytes(twice)
    assert local_plan.worker_bytes(job) < local_plan.worker_bytes(once)


def test_a_device_by_name_is_for_all(job: BatchJob) -> None:
    cuda = dataclasses.replace(job, steps=({**STEP, "device": "cuda:1"},))
    assert [one.steps[0]["device"] for one in local_plan.workers(cuda, 2)] == ["cuda:1"] * 2
    assert len(local_plan.workers(cuda, None)) == 1
