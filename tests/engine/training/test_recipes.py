"""Recipes: their phases, their lengths, and the bundled model's size."""

import pytest

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.hidiff import COMPACT
from pixelmend_engine.training import recipes
from pixelmend_engine.training.rates import rate


def test_crops_grow_as_published() -> None:
    stage = recipes.find("gopro").stage(1)
    seen = [stage.phase(step) for step in (1, 20_000, 20_001, 100_001, 300_000)]
    assert [(phase.patch, phase.batch) for phase in seen] == [
        (128, 16), (128, 16), (160, 10), (384, 2), (384, 2),
    ]  # fmt: skip
    assert stage.steps == 300_000
    assert stage.average is None


def test_a_shorter_recipe_keeps_its_proportions() -> None:
    whole = recipes.find("compact")
    short = whole.scaled(240)
    assert [stage.steps for stage in short.stages] == [60, 180]
    assert [phase.until for phase in short.stages[1].phases] == [100, 150, 180]
    for before, after in zip(whole.stages, short.stages, strict=True):
        assert rate(after.rates, after.steps) == pytest.approx(
            rate(before.rates, before.steps), rel=0.1, abs=1e-5
        )


def test_a_smaller_batch_changes_nothing_else() -> None:
    whole = recipes.find("gopro")
    phases = whole.batched(2).stages[1].phases
    assert {phase.batch for phase in phases} == {2}
    assert [phase.patch for phase in phases] == [p.patch for p in whole.stages[1].phases]


def test_a_recipe_that_is_not_there_is_told() -> None:
    with pytest.raises(BadRequest, match="no recipe `hidiff`"):
        recipes.find("hidiff")


def test_the_compact_recipe_makes_the_bundled_model() -> None:
    assert recipes.find("compact").config is COMPACT
