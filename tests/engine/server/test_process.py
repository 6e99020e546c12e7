"""What the engine refuses before it is queued; the rest of it is proved in tests/protocol."""

from types import SimpleNamespace

import psutil
import pytest

from pixelmend.errors import OutOfMemory
from pixelmend.wire import Raster
from pixelmend_engine.server import process

PICTURE = Raster(100, 100, "U8", "Y", bytes(10_000))


def test_a_picture_that_no_plan_fits_into_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check = process._check  # pyright: ignore[reportPrivateUsage] - the door has HTTP in front
    check(PICTURE, {"task": "deblur"})
    # Less memory than looking at these pixels once takes.
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1_000_000))
    with pytest.raises(OutOfMemory, match="more than this computer has"):
        check(PICTURE, {"task": "deblur"})
