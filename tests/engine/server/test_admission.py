"""What is let into the queue is read once; what this computer can't do is refused before."""

import pytest

from pixelmend.errors import OutOfMemory
from pixelmend.wire import Raster
from pixelmend_engine.inference import memory
from pixelmend_engine.inference.memory import Memory
from pixelmend_engine.restoration.task_request import TaskRequest
from pixelmend_engine.server.admission import admit

PICTURE = Raster(100, 100, "U8", "Y", bytes(10_000))


def test_a_picture_that_no_plan_fits_into_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = admit(PICTURE, {"task": "deblur"})
    assert isinstance(request, TaskRequest)
    assert request.options["seed"] == 0
    # Less memory than looking at these pixels once takes.
    monkeypatch.setattr(memory, "granted", lambda: Memory(1_000_000, 1_000_000, "this computer"))
    with pytest.raises(OutOfMemory, match="more than this computer grants"):
        admit(PICTURE, {"task": "deblur"})
