"""The model is chosen before anything is loaded."""

import dataclasses
from pathlib import Path

import pytest

from pixelmend.errors import DeviceUnavailable, UnknownModel, WeightsMissing
from pixelmend.inprocess import InProcess, Request
from pixelmend_engine import images


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    return Request(
        task="deblur",
        model="auto",
        weights=None,
        models_dir=tmp_path / "models",
        device="cpu",
        precision="auto",
        seed=0,
        tile=None,
        strength=1.0,
    )


def test_auto_takes_the_bundled_model_where_nothing_is_installed(request_: Request) -> None:
    engine = InProcess(request_)
    assert engine.spec.id == "hi-diff-compact"
    assert engine.fell_back


def test_auto_takes_the_best_model_that_is_installed(request_: Request) -> None:
    for model in ("hi-diff-realblur-j", "hi-diff-gopro"):
        folder = request_.models_dir / model
        folder.mkdir(parents=True)
        (folder / "net_g.pth").touch()
        assert InProcess(request_).spec.id == model
    assert not InProcess(request_).fell_back


def test_the_bundled_model_asked_for_by_name_is_no_fallback(request_: Request) -> None:
    engine = InProcess(dataclasses.replace(request_, model="hi-diff-compact"))
    assert not engine.fell_back


def test_a_model_asked_for_by_name_must_be_here(request_: Request) -> None:
    with pytest.raises(WeightsMissing):
        InProcess(dataclasses.replace(request_, model="hi-diff-gopro"))
    with pytest.raises(UnknownModel):
        InProcess(dataclasses.replace(request_, model="hi-diff"))


def test_weights_of_the_users_own_are_looked_for_at_once(request_: Request, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        InProcess(dataclasses.replace(request_, weights=tmp_path / "nowhere"))


def test_a_device_that_is_not_there_is_refused_with_the_first_picture(
    request_: Request, photo: Path
) -> None:
    engine = InProcess(dataclasses.replace(request_, device="cuda:99"))
    with pytest.raises(DeviceUnavailable):
        engine.restore(images.read(photo), lambda done, total: None)
