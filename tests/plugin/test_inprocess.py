"""The model is checked before anything is loaded, and loaded once."""

from pathlib import Path

import numpy as np
import pytest

from pixelmend.errors import DeviceUnavailable, WeightsMissing
from pixelmend.inprocess import InProcess
from pixelmend_engine import images
from pixelmend_engine.session import Choice

OPTIONS = {"seed": 1, "tile": "auto", "strength": 1.0}
CPU = Choice(task="deblur", device="cpu")


def test_a_model_that_is_not_here_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        InProcess(Choice(task="deblur", model="hi-diff-gopro"), tmp_path, OPTIONS)


def test_a_device_that_is_not_there_is_refused_before_the_first_picture(tmp_path: Path) -> None:
    engine = InProcess(Choice(task="deblur", device="cuda:99"), tmp_path, OPTIONS)
    with pytest.raises(DeviceUnavailable):
        engine.prepare()


def test_a_picture_comes_back_with_what_there_is_to_say(photo: Path, tmp_path: Path) -> None:
    source = images.read(photo)
    pixels, facts = InProcess(CPU, tmp_path, OPTIONS).restore(source, lambda done, total: None)
    assert pixels.shape == source.pixels.shape
    assert (pixels != source.pixels).any()
    assert (facts["model"], facts["seed"], facts["fell_back"]) == ("hi-diff-compact", 1, True)
    assert np.isfinite(facts["seconds"])
