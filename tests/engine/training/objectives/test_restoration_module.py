"""What DiffBIR's first stage is asked for: losses, and residuals that are left out."""

import pytest
import torch
from small_diffbir import picture, tiny

from pixelmend_engine.catalog.diffbir import V1_FACE, V1_GENERAL
from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.objectives.restoration_module import (
    DROPPED,
    RestorationObjective,
    stochastic_depth,
)
from pixelmend_engine.training.recipes.diffbir import FACE, GENERAL


def test_squares_are_added_up_and_absolute_errors_averaged() -> None:
    lq, hq = picture(64, 64), picture(64, 64).flip(-1)
    torch.manual_seed(0)
    squared = RestorationObjective(tiny(V1_GENERAL), GENERAL.stage(1), torch.float32)
    absolute = RestorationObjective(tiny(V1_FACE), FACE.stage(1), torch.float32)
    absolute.network.load_state_dict(squared.network.state_dict())
    draws = squared.draw(Batch(lq, hq), torch.Generator().manual_seed(1))
    errors = squared(lq, hq, draws).restored - hq
    losses = squared(lq, hq, draws).losses
    assert losses["squares"].item() == pytest.approx(errors.square().sum().item(), rel=1e-6)
    assert absolute(lq, hq, draws).losses["pixels"].item() == pytest.approx(
        errors.abs().mean().item(), rel=1e-6
    )


def test_residuals_are_left_out_by_a_share_that_grows_with_depth() -> None:
    draws = torch.rand(4000, 5, 2, generator=torch.Generator().manual_seed(0))
    factors = stochastic_depth(draws)
    assert torch.equal(factors[:, 0], torch.ones(4000, 2))
    assert (factors[:, -1] == 0).float().mean().item() == pytest.approx(DROPPED, abs=0.02)
    assert factors.mean(dim=(0, 2)) == pytest.approx([1.0] * 5, abs=0.02)  # pyright: ignore[reportUnknownMemberType]


def test_a_block_that_is_left_out_passes_its_input_on() -> None:
    torch.manual_seed(0)
    objective = RestorationObjective(tiny(V1_GENERAL), GENERAL.stage(1), torch.float32)
    lq = picture(64, 64)
    left_out = objective.network(lq, torch.zeros(1, objective.network.block_count, 2))
    changed = objective.network.layers[0].get_submodule("residual_group.blocks.0.mlp.fc1")
    assert isinstance(changed, torch.nn.Linear)
    with torch.no_grad():
        changed.weight.mul_(3)
    after = objective.network(lq, torch.zeros(1, objective.network.block_count, 2))
    assert torch.equal(left_out, after)
    assert not torch.equal(objective.network(lq), after)
