"""Tasks describe themselves so that dialogs can be built from them."""

import contextlib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pixelmend.errors import BadRequest, UnknownModel
from pixelmend_engine.catalog import tasks
from pixelmend_engine.catalog.spec import Task
from pixelmend_engine.weights import store


def test_a_task_names_its_models_and_a_sound_schema(tmp_path: Path) -> None:
    described = tasks.describe(store.states(tmp_path))
    face, deblur, *_ = described
    assert [task["id"] for task in described] == [
        "face", "deblur", "restore", "denoise", "upscale", "inpaint",
    ]  # fmt: skip
    assert face["finds"]["task"] == tasks.FIND_FACES
    assert set(face["finds"]["options"]) <= set(face["options"]["properties"])
    assert face["finds"]["chooses"] in face["options"]["properties"]
    assert [model["id"] for model in deblur["models"]][-1] == "hi-diff-compact"
    assert deblur["models"][0]["weights"] == "missing"
    assert deblur["models"][0]["size_bytes"] is None
    assert deblur["models"][0]["about_bytes"] == 113_947_600
    assert deblur["models"][-1]["size_bytes"] == 9_183_874


@pytest.mark.parametrize("task", tasks.TITLES)
def test_schemas_are_sound_and_take_their_own_defaults(task: Task) -> None:
    schema = tasks.schema(task)
    Draft202012Validator.check_schema(schema)
    for option in schema["properties"].values():
        assert option["title"]
        assert option["description"]
        for value in [option["default"], *option.get("examples", [])]:
            Draft202012Validator(option).validate(value)


def test_defaults_are_filled_in() -> None:
    task, options = tasks.check({"task": "deblur", "seed": 3})
    assert task == "deblur"
    assert options == {
        "model": "auto",
        "scale": 1.0,
        "strength": 1.0,
        "seed": 3,
        "tile": "auto",
        "device": "auto",
        "precision": "auto",
        "downloads": "ask",
        "offline": False,
    }


def test_whole_numbers_may_have_a_point() -> None:
    _, options = tasks.check({"task": "deblur", "seed": 5.0, "tile": 256.0})
    assert (options["seed"], options["tile"]) == (5, 256)
    assert isinstance(options["seed"], int)


@pytest.mark.parametrize(
    ("facts", "scale"),
    [
        ({}, 4),
        ({"scale": 2}, 2),
        ({"model": "diffir-realsr-x2"}, 2),
        ({"model": "diffir-realsr-x2", "scale": 2}, 2),
        ({"scale": 3}, 3),
        ({"model": "diffbir-v2.1", "scale": 2.5}, 2.5),
    ],
    ids=str,
)
def test_the_scale_is_as_asked_or_as_the_model_does(facts: dict[str, object], scale: float) -> None:
    _, options = tasks.check({"task": "upscale", **facts})
    assert options["scale"] == scale


def test_what_no_model_does_is_told_with_what_they_do() -> None:
    with pytest.raises(BadRequest, match="enlarges 2 times, not 4"):
        tasks.check({"task": "upscale", "scale": 4, "model": "diffir-realsr-x2"})
    with pytest.raises(UnknownModel, match="not one for `upscale`, but for deblur"):
        tasks.check({"task": "upscale", "model": "hi-diff-gopro"})


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        ({"sampler": "spaced", "steps": 1}, True),
        ({"fidelity": 0.5, "steps": 1, "model": "diffbir-v2.1"}, True),
        ({"steps": 1, "model": "diffbir-v2"}, True),  # whose sampler it is
        ({"steps": 1}, False),
        ({"sampler": "spaced", "steps": 2}, False),
        ({"steps": 1, "model": "diffir-realsr-x1"}, True),  # which takes no steps
    ],
    ids=str,
)
def test_too_few_steps_are_refused_before_anything_is_done(
    facts: dict[str, object], refused: bool
) -> None:
    with pytest.raises(BadRequest, match="steps") if refused else contextlib.nullcontext():
        tasks.check({"task": "restore", **facts})


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"task": "sharpen"},
        {"task": ["deblur"]},
        {"task": "deblur", "seed": True},
        {"task": "deblur", "seed": 2**63},
        {"task": "deblur", "strength": "1"},
        {"task": "deblur", "tile": 191},
        {"task": "deblur", "size": 3},
        {"task": "deblur", "scale": 2},
        {"task": "upscale", "scale": 9},
        {"task": "upscale", "scale": "large"},
    ],
    ids=str,
)
def test_wrong_options_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        tasks.check(facts)


def test_an_option_that_does_not_exist_is_named() -> None:
    with pytest.raises(BadRequest, match="no option `sharpness`") as refused:
        tasks.check({"task": "deblur", "sharpness": 1})
    assert "strength" in (refused.value.hint or "")
