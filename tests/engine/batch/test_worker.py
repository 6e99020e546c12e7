"""A worker's lines: leases in, outcomes out."""

import dataclasses
import io
import json

import pytest
from batches import inverting

from pixelmend_engine.batch import worker
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.inference import memory


def test_each_lease_has_its_answer(job: BatchJob) -> None:
    lines = [job.to_json()]
    for number, name in enumerate(("a.png", "b.png", "gone.png")):
        lease = {"id": number, "address": name, "result": name, "replaces": False, "content": None}
        lines.append(json.dumps(lease))
    answers = io.StringIO()
    threads = worker.serve(io.BytesIO("\n".join(lines).encode()), answers, inverting)
    threads.shutdown(wait=True)
    lines = map(json.loads, answers.getvalue().splitlines())
    found = {line["id"]: line["state"] for line in lines if "stalled" not in line}
    assert found == {0: "done", 1: "done", 2: "failed"}


def test_a_worker_plans_for_its_share_of_the_memory(
    job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_share", memory.share())  # as it was, behind the test
    before = memory.granted()
    share = before.total_bytes // 8
    job = dataclasses.replace(job, memory_bytes=share)
    worker.serve(io.BytesIO(job.to_json().encode()), io.StringIO(), inverting).shutdown()
    granted = memory.granted()
    assert granted.total_bytes == share
    assert granted.free_bytes < share  # this process has some of it already
    assert granted.grantor == "this worker's share"
