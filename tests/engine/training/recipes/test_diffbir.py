"""DiffBIR's recipes have the published numbers, and are found by their family's name, too."""

import pytest

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import V2_1
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.recipes import diffbir, registry


def test_the_family_s_name_may_be_left_out() -> None:
    assert registry.find("v2.1", "diffbir") is registry.find("diffbir-v2.1")
    assert registry.find("diffbir-v2.1", "diffbir").config is V2_1
    with pytest.raises(BadRequest, match="no recipe `gopro`") as raised:
        registry.find("gopro", "diffbir")
    assert raised.value.hint == "Use diffbir-v1-general, diffbir-v1-face, diffbir-v2.1"


@pytest.mark.parametrize("recipe", diffbir.RECIPES, ids=lambda recipe: recipe.id)
def test_pictures_keep_their_size(recipe: registry.Recipe) -> None:
    for number in range(1, len(recipe.stages) + 1):
        degradation = recipe.degradation_of_stage(number)  # pyright: ignore[reportArgumentType]
        assert degrade.downscaling_factor(degradation) == 1
        assert degrade.source_crop(degradation, 512).full_side == 512


def test_v2_1_learns_to_restore_sharpened_pictures() -> None:
    degradation = registry.find("diffbir-v2.1").degradation
    assert isinstance(degradation, RealESRGANSettings)
    assert (degradation.scale, degradation.sharpened, degradation.enlarged) == (4, True, True)
