"""What can be chosen is described once, for every task."""

import dataclasses

import pytest

from pixelmend_engine.catalog import options, registry


def test_only_upscaling_has_a_scale() -> None:
    assert "scale" in options.of_task("upscale")
    assert "scale" not in options.of_task("inpaint")


def test_the_model_comes_first_and_what_few_users_need_last() -> None:
    for task in ("deblur", "upscale"):
        described = options.of_task(task)
        assert next(iter(described)) == "model"
        advanced = [bool(option.get("advanced")) for option in described.values()]
        assert advanced == sorted(advanced)


def test_what_only_some_models_take_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(options.SPECIAL, "steps", {"type": "integer", "default": 4})
    patient = dataclasses.replace(registry.find("diffir-deblur"), options=("steps",))
    models = tuple(patient if spec.id == patient.id else spec for spec in registry.MODELS)
    monkeypatch.setattr(registry, "MODELS", models)
    assert options.of_task("deblur")["steps"]["models"] == ["diffir-deblur"]
    assert "steps" not in options.of_task("inpaint")
