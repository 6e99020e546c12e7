"""Tasks describe themselves so that dialogs can be built from them."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pixelmend.errors import BadRequest
from pixelmend_engine import tasks


def test_a_task_names_its_models_and_a_sound_schema(tmp_path: Path) -> None:
    (deblur,) = tasks.describe(tmp_path)
    assert deblur["id"] == "deblur"
    assert [model["id"] for model in deblur["models"]][-1] == "hi-diff-compact"
    assert deblur["models"][0]["weights"] == "missing"
    assert deblur["models"][0]["size_bytes"] is None
    assert deblur["models"][0]["about_bytes"] == 113_947_600
    assert deblur["models"][-1]["size_bytes"] == 5_789_002
    Draft202012Validator.check_schema(deblur["options"])
    for option in deblur["options"]["properties"].values():
        assert option["title"]
        assert option["description"]
        Draft202012Validator(option).validate(option["default"])


def test_defaults_are_filled_in() -> None:
    task, options = tasks.check({"task": "deblur", "seed": 3})
    assert task == "deblur"
    assert options == {
        "model": "auto",
        "strength": 1.0,
        "seed": 3,
        "tile": "auto",
        "device": "auto",
        "precision": "auto",
        "offline": False,
    }


def test_whole_numbers_may_have_a_point() -> None:
    _, options = tasks.check({"task": "deblur", "seed": 5.0, "tile": 256.0})
    assert (options["seed"], options["tile"]) == (5, 256)
    assert isinstance(options["seed"], int)


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
    ],
    ids=str,
)
def test_wrong_options_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        tasks.check(facts)
