"""Which model a choice means, and how long it stays loaded."""

import dataclasses
from pathlib import Path

import pytest
from fakes import CPU

from pixelmend.errors import UnknownModel, UnreadableCheckpoint, WeightsMissing
from pixelmend_engine.restoration.model_choice import ModelChoice, candidates
from pixelmend_engine.restoration.session import Session

AUTO = ModelChoice(task="deblur", device="cpu")


def install(models_dir: Path, *models: str) -> None:
    """Puts something into the models' folders that is found, but holds nothing."""
    for model in models:
        (models_dir / model).mkdir(parents=True)
        (models_dir / model / "net_g.pth").touch()


def ids(choice: ModelChoice, models_dir: Path) -> list[str]:
    """Names the models that a choice may mean."""
    return [spec.id for candidate in candidates(choice, models_dir) for spec in candidate.specs]


def test_auto_means_the_best_that_is_here(tmp_path: Path) -> None:
    assert ids(AUTO, tmp_path) == ["hi-diff-compact"]
    install(tmp_path, "hi-diff-realblur-j", "hi-diff-gopro")
    assert ids(AUTO, tmp_path) == ["hi-diff-gopro", "hi-diff-realblur-j", "hi-diff-compact"]


def test_a_name_means_that_model_alone(tmp_path: Path) -> None:
    named = dataclasses.replace(AUTO, model="hi-diff-gopro")
    with pytest.raises(WeightsMissing):
        candidates(named, tmp_path)
    install(tmp_path, "hi-diff-gopro")
    assert ids(named, tmp_path) == ["hi-diff-gopro"]
    with pytest.raises(UnknownModel):
        candidates(dataclasses.replace(AUTO, model="hi-diff"), tmp_path)


def test_weights_of_the_users_own_may_be_any_model_of_the_task(tmp_path: Path) -> None:
    install(tmp_path, "mine")
    (candidate,) = candidates(dataclasses.replace(AUTO, weights=tmp_path / "mine"), tmp_path)
    assert candidate.specs[0].id == "hi-diff-gopro"
    assert candidate.specs[-1].id == "hi-diff-compact-guided"  # which a recipe makes
    assert [path.name for path in candidate.files] == ["net_g.pth"]


def test_auto_passes_unusable_weights_over_and_says_so(tmp_path: Path) -> None:
    install(tmp_path, "hi-diff-gopro")
    loaded = Session(tmp_path).load(AUTO)
    assert loaded.spec.id == "hi-diff-compact"
    (note,) = loaded.notes
    assert note.startswith("The weights of `hi-diff-gopro` were passed over: ")


def test_unusable_weights_of_a_named_model_are_an_error(tmp_path: Path) -> None:
    install(tmp_path, "hi-diff-gopro")
    with pytest.raises(UnreadableCheckpoint):
        Session(tmp_path).load(dataclasses.replace(AUTO, model="hi-diff-gopro"))


def test_the_same_choice_finds_the_model_loaded(tmp_path: Path) -> None:
    session = Session(tmp_path)
    first = session.load(AUTO)
    assert session.load(dataclasses.replace(AUTO)) is first
    assert session.load(dataclasses.replace(AUTO, precision="bf16")) is not first
    assert first.device == CPU


def test_a_released_model_is_loaded_again(tmp_path: Path) -> None:
    session = Session(tmp_path)
    first = session.load(AUTO)
    session.release()
    session.release()
    assert session.load(AUTO) is not first
