"""What is let into the queue is read once; what this computer can't do is refused before."""

from types import SimpleNamespace

import psutil
import pytest

from pixelmend.errors import OutOfMemory
from pixelmend.wire import Raster
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
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1_000_000))
    with pytest.raises(OutOfMemory, match="more than this computer has"):
        admit(PICTURE, {"task": "deblur"})
