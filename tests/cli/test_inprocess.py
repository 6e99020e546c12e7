"""The engine in the command's own process."""

from pathlib import Path

import numpy as np
import pytest
from fakes import ignore, untold

from pixelmend.errors import DeviceUnavailable
from pixelmend_cli.engines import InProcess, Listener
from pixelmend_engine.images import files
from pixelmend_engine.restoration.task_request import TaskRequest
from pixelmend_engine.weights.download.network_settings import OFFLINE

LISTENER = Listener(note=lambda words: None, download=untold)


def engine(models_dir: Path, device: str) -> InProcess:
    request = TaskRequest.of({"task": "deblur", "device": device, "seed": 1})
    return InProcess(request, models_dir, OFFLINE, LISTENER)


def test_a_device_that_is_not_there_is_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable):
        engine(tmp_path, "cuda:99").restore(files.to_raster(files.read(photo)), ignore)


def test_a_picture_comes_back_with_what_there_is_to_say(photo: Path, tmp_path: Path) -> None:
    source = files.to_raster(files.read(photo))
    result, facts = engine(tmp_path, "cpu").restore(source, ignore)
    assert (result.width, result.height) == (source.width, source.height)
    assert bytes(result.data) != bytes(source.data)
    assert (facts["model"], facts["seed"], facts["scale"]) == ("hi-diff-compact", 1, 1)
    assert np.isfinite(facts["seconds"])
