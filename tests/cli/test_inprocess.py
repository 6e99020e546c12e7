"""The engine in the command's own process."""

from pathlib import Path

import numpy as np
import pytest
from fakes import ignore, untold

from pixelmend.errors import DeviceUnavailable
from pixelmend_cli.engines import InProcess
from pixelmend_engine.images import files
from pixelmend_engine.restoration.model_choice import ModelChoice
from pixelmend_engine.weights.download.network_settings import OFFLINE

OPTIONS = {"seed": 1, "tile": "auto", "strength": 1.0, "scale": 1.0, "offline": False}
CPU = ModelChoice(task="deblur", device="cpu")


def test_a_device_that_is_not_there_is_refused(photo: Path, tmp_path: Path) -> None:
    engine = InProcess(
        ModelChoice(task="deblur", device="cuda:99"), tmp_path, OPTIONS, OFFLINE, untold
    )
    with pytest.raises(DeviceUnavailable):
        engine.restore(files.to_raster(files.read(photo)), ignore)


def test_a_picture_comes_back_with_what_there_is_to_say(photo: Path, tmp_path: Path) -> None:
    source = files.to_raster(files.read(photo))
    result, facts = InProcess(CPU, tmp_path, OPTIONS, OFFLINE, untold).restore(source, ignore)
    assert (result.width, result.height) == (source.width, source.height)
    assert bytes(result.data) != bytes(source.data)
    assert (facts["model"], facts["seed"], facts["scale"]) == ("hi-diff-compact", 1, 1)
    assert np.isfinite(facts["seconds"])
