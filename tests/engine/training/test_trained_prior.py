"""The prior of a stage is the teacher's in the first, and diffused in the second."""

import torch
from small_hidiff import CONFIG

from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.training.objectives.hidiff import HIDiffObjective
from pixelmend_engine.training.recipes.recipe import Phase, Stage, StageNumber
from pixelmend_engine.training.trained_prior import TrainedPrior

STAGE = Stage(phases=(Phase(1, 32, 2),), rates=())


def objective(number: StageNumber) -> HIDiffObjective:
    torch.manual_seed(0)
    return HIDiffObjective(HIDiff(CONFIG, teacher=True), number, STAGE, torch.float32).eval()


def test_in_the_first_stage_the_teacher_sees_the_answer() -> None:
    made = objective(1)
    guided = TrainedPrior(made, torch.device("cpu"))
    lq, hq = torch.rand(2, 1, 3, 16, 16)
    assert guided.encoder is made.networks.net_le
    assert not guided.clamps
    assert not torch.equal(guided.prior(lq, hq), guided.prior(lq, lq))


def test_in_the_second_it_does_not_and_is_clamped_by_epsilon_prediction() -> None:
    made = objective(2)
    guided = TrainedPrior(made, torch.device("cpu"))
    lq, hq = torch.rand(2, 1, 3, 16, 16)
    assert guided.encoder is made.networks.net_le_dm
    assert guided.clamps
    prior = guided.prior(lq, hq)
    assert torch.equal(prior, guided.prior(lq, lq))
    assert prior.abs().max() <= 1
    assert guided.restore(lq, prior).shape == lq.shape
