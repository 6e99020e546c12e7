"""A worker's lines: leases in, outcomes out."""

import io
import json

from batches import inverting

from pixelmend_engine.batch import worker
from pixelmend_engine.batch.job import BatchJob


def test_each_lease_has_its_answer(job: BatchJob) -> None:
    lines = [job.to_json()]
    for number, name in enumerate(("a.png", "b.png", "gone.png")):
        lease = {"id": number, "address": name, "result": name, "replaces": False, "content": None}
        lines.append(json.dumps(lease))
    answers = io.StringIO()
    threads = worker.serve(io.BytesIO("\n".join(lines).encode()), answers, inverting)
    threads.shutdown(wait=True)
    outcomes = map(json.loads, answers.getvalue().splitlines())
    found = {outcome["id"]: outcome["state"] for outcome in outcomes}
    assert found == {0: "done", 1: "done", 2: "failed"}
