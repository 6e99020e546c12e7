"""What the stages of a small DiffIR train, and when. The published losses the goldens show."""

import dataclasses

import pytest
import torch

from pixelmend_engine.catalog.diffir import COMPACT_FILL, COMPACT_X4, DiffIRConfig
from pixelmend_engine.training.objectives.diffir import REGION_WEIGHT, DiffIRObjective
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.recipe import StageNumber

TINY = {
    "dim": 8,
    "blocks": (1, 1, 1, 1),
    "refinement_blocks": 1,
    "encoder_blocks": 1,
    "features": 8,
}


def objective(config: DiffIRConfig, recipe: str, number: StageNumber) -> DiffIRObjective:
    torch.manual_seed(0)
    stage = registry.find(recipe).stage(number)
    return DiffIRObjective(dataclasses.replace(config, **TINY), number, stage, torch.float32)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(4, 3, 16, 16, generator=generator), torch.rand(
        4, 3, 64, 64, generator=generator
    )


def test_at_first_the_teacher_alone_learns_to_tell_the_damage(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    small = objective(COMPACT_X4, "compact-x4", 1)
    small.set_trainable(prior_only=True)
    step = small(*pair, torch.zeros(4, 32))
    assert set(step.losses) == {"blur"}
    assert step.restored is None
    learning = {name for name, part in small.parts.items() if next(part.parameters()).requires_grad}
    assert learning == {"E", "blur"}
    small.set_trainable(prior_only=False)
    assert set(small(*pair, torch.zeros(4, 32)).losses) == {"blur", "pixels"}


def test_later_stages_leave_the_teachers_statistics_as_they_are(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    small = objective(COMPACT_X4, "compact-x4", 2)
    for prior_only in (True, False):
        small.set_trainable(prior_only=prior_only)
        before = {name: value.clone() for name, value in small.state_dict().items()}
        small(*pair, torch.zeros(4, 32))
        changed = {
            name.split(".")[0] + "." + name.split(".")[1]
            for name, value in small.state_dict().items()
            if not torch.equal(value, before[name])
        }
        assert changed == ({"networks.condition"} if prior_only else set())


def test_a_model_that_fills_is_told_of_its_holes_alone() -> None:
    small = objective(COMPACT_FILL, "compact-fill", 1)
    small.set_trainable(prior_only=False)
    hq = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    mask = torch.zeros(2, 1, 32, 32)
    mask[..., 10:14, :] = 1
    step = small(torch.cat([hq * (1 - mask), mask], dim=1), hq, torch.zeros(2, 32))
    assert step.restored is not None
    error = (step.restored - hq).abs()[..., 10:14, :].sum() / hq.numel()
    torch.testing.assert_close(step.losses["pixels"], REGION_WEIGHT * error)
