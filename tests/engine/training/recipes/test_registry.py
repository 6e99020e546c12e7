"""Recipes: their phases, their lengths, and the bundled model's size."""

import pytest

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog import diffir as catalog
from pixelmend_engine.catalog.hidiff import COMPACT
from pixelmend_engine.training.degradations.camera import MILD, SHAKEN
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.recipes import diffir, registry
from pixelmend_engine.training.recipes.learning_rates import learning_rate


def test_crops_grow_as_published() -> None:
    stage = registry.find("gopro").stage(1)
    phases = [stage.phase(step) for step in (1, 20_000, 20_001, 100_001, 300_000)]
    assert [(phase.patch, phase.batch) for phase in phases] == [
        (128, 16), (128, 16), (160, 10), (384, 2), (384, 2),
    ]  # fmt: skip
    assert stage.steps == 300_000
    assert stage.ema_decay is None


def test_a_shorter_recipe_keeps_its_proportions() -> None:
    whole = registry.find("compact")
    short = whole.with_steps(240)
    assert [stage.steps for stage in short.stages] == [60, 180]
    assert [phase.until for phase in short.stages[1].phases] == [100, 150, 180]
    for before, after in zip(whole.stages, short.stages, strict=True):
        assert learning_rate(after.rates, after.steps) == pytest.approx(
            learning_rate(before.rates, before.steps), rel=0.1, abs=1e-5
        )


def test_a_longer_recipe_learns_all_networks_from_where_it_did() -> None:
    for recipe_id, expected in (("compact", 1), ("diffir-deblur", 200_000)):
        whole = registry.find(recipe_id)
        twice = whole.with_steps(2 * sum(stage.steps for stage in whole.stages))
        assert twice.stage(2).steps == 2 * whole.stage(2).steps
        assert twice.stage(2).joint_training_from == expected


def test_a_smaller_batch_changes_nothing_else() -> None:
    whole = registry.find("gopro")
    phases = whole.with_batch_size(2).stages[1].phases
    assert {phase.batch for phase in phases} == {2}
    assert [phase.patch for phase in phases] == [p.patch for p in whole.stages[1].phases]


def test_a_recipe_that_is_not_there_is_told() -> None:
    with pytest.raises(BadRequest, match="no recipe `hidiff`"):
        registry.find("hidiff")


@pytest.mark.parametrize("recipe_id", ["compact", "compact-tuned"])
def test_the_compact_recipes_make_the_bundled_model(recipe_id: str) -> None:
    assert registry.find(recipe_id).config is COMPACT


def test_the_short_compact_recipe_shakes_and_does_little_else() -> None:
    whole, short = registry.find("compact"), registry.find("compact-tuned")
    assert whole.degradation_of_stage(2) == MILD
    assert short.degradation_of_stage(2) == short.final_degradation == SHAKEN
    assert short.stage(2).steps < whole.stage(2).steps / 2
    assert (whole.stage(2).pixel_loss, short.stage(2).pixel_loss) == ("l1", "psnr")


def test_each_model_of_diffir_has_a_recipe_of_its_name_and_size() -> None:
    models = {spec.id: spec.config for spec in (*catalog.MODELS, *catalog.TRAINABLE)}
    own = {recipe.id: recipe.config for recipe in diffir.RECIPES}
    psnr = "diffir-realsr-x4-psnr"  # what the second stage of `diffir-realsr-x4` leaves
    assert own == {name: config for name, config in models.items() if name != psnr}


def test_a_recipe_may_have_three_stages_and_all_become_shorter() -> None:
    short = registry.find("diffir-realsr-x4").with_steps(24)
    assert [stage.steps for stage in short.stages] == [10, 10, 4]
    assert [stage.joint_training_from for stage in short.stages] == [1, 1, 1]
    longer = registry.find("diffir-deblur").stage(2).with_steps(4000)
    assert longer.joint_training_from == 1000
    assert [phase.until for phase in longer.phases] == [1500, 2100, 2600, 3200, 3600, 4000]
    adversarial = short.stage(3).adversarial
    assert adversarial is not None
    assert [learning_rate(adversarial.rates, step) for step in (1, 4)] == [1e-4, 1e-4]


def test_only_the_last_stage_of_sharpened_recipes_sharpens() -> None:
    recipe = registry.find("diffir-realsr-x2-v2")
    degradations = [recipe.degradation_of_stage(number) for number in (1, 2, 3)]
    assert degradations == [
        RealESRGANSettings(scale=2),
        RealESRGANSettings(scale=2),
        RealESRGANSettings(scale=2, sharpened=True),
    ]
    assert recipe.final_degradation == degradations[2]
