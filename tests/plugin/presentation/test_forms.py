"""Fields from descriptions, and options from values."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pixelmend.presentation import forms
from pixelmend_engine.catalog import options, tasks
from pixelmend_engine.weights import store


@pytest.fixture
def deblur(tmp_path: Path) -> dict[str, Any]:
    """The description of a task, as the engine gives it."""
    return next(task for task in tasks.describe(store.states(tmp_path)) if task["id"] == "deblur")


def field(task: dict[str, Any], name: str) -> forms.Field:
    return next(field for field in forms.fields(task) if field.name == name)


def test_every_option_has_a_field(deblur: dict[str, Any]) -> None:
    described = options.of_task("deblur").items()
    names = [name for name, option in described if option.get("editors", True)]
    assert [field.name for field in forms.fields(deblur)] == names
    assert "downloads" not in names  # which editors ask about


def test_what_is_for_files_alone_has_no_field(tmp_path: Path) -> None:
    face = next(task for task in tasks.describe(store.states(tmp_path)) if task["id"] == "face")
    names = [field.name for field in forms.fields(face)]
    assert {"faces", "min_size", "background", "fidelity"} <= set(names)
    assert "upscale" not in names
    assert forms.placement(face) is None
    assert forms.detection(face)["chooses"] == "faces"


def test_models_are_a_choice_that_says_what_is_not_here(deblur: dict[str, Any]) -> None:
    choices = dict(field(deblur, "model").choices)
    assert choices["auto"] == "Automatic"
    assert choices["hi-diff-compact"] == "HI-Diff Compact"
    assert choices["hi-diff-gopro"] == "HI-Diff GoPro (not on this computer, 114 MB)"


def test_a_model_that_is_not_here_tells_its_size_where_it_is_known(deblur: dict[str, Any]) -> None:
    deblur["models"][0]["size_bytes"] = 96_000_000
    choices = dict(field(deblur, "model").choices)
    assert choices["hi-diff-gopro"] == "HI-Diff GoPro (not on this computer, 96 MB)"


def test_yes_and_no_are_a_field_of_their_own(deblur: dict[str, Any]) -> None:
    offline = field(deblur, "offline")
    assert (offline.kind, offline.default) == ("boolean", False)
    assert forms.options(deblur, {"offline": True}) == {"offline": True}


def test_numbers_keep_their_limits_as_far_as_hosts_can_count(deblur: dict[str, Any]) -> None:
    strength, seed = field(deblur, "strength"), field(deblur, "seed")
    assert (strength.kind, strength.minimum, strength.maximum, strength.default) == (
        "number",
        0,
        1,
        1,
    )
    assert (seed.kind, seed.minimum, seed.maximum, seed.default) == ("integer", 0, 2**31 - 1, 0)


def test_constants_beside_numbers_become_a_choice(deblur: dict[str, Any]) -> None:
    assert [value for value, _ in field(deblur, "tile").choices] == [
        "auto", "0", "256", "512", "1024", "2048",
    ]  # fmt: skip


def test_most_users_see_few_fields(deblur: dict[str, Any]) -> None:
    names = [field.name for field in forms.fields(deblur) if not field.advanced]
    assert names == ["model", "strength", "seed"]


@pytest.mark.parametrize(("answer", "option"), [("auto", "auto"), ("0", 0), ("512", 512)])
def test_answers_become_options_that_the_engine_takes(
    deblur: dict[str, Any], answer: str, option: object
) -> None:
    values = {field.name: field.default for field in forms.fields(deblur)} | {"tile": answer}
    chosen = forms.options(deblur, values)
    assert chosen["tile"] == option
    Draft202012Validator(deblur["options"]).validate(chosen)


def test_options_become_the_answers_they_came_from(deblur: dict[str, Any]) -> None:
    chosen = {"tile": 512, "strength": 0.5, "model": "gone"}
    values = {one.name: forms.initial_value(one, chosen) for one in forms.fields(deblur)}
    assert (values["tile"], values["strength"], values["seed"]) == ("512", 0.5, 0)
    assert values["model"] == "auto"  # the dialog can't show what there is no more


def test_a_model_is_found_by_its_id(deblur: dict[str, Any]) -> None:
    model = forms.model_of(deblur, "hi-diff-compact")
    assert model is not None
    assert model["title"] == "HI-Diff Compact"
    assert forms.model_of(deblur, "auto") is None
