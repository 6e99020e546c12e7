"""Losses, gradients and learning rates are those of the published training code.

Tolerances: relative 1e-4 in float32, because gradients sum over every pixel and step of the chain
and rounding errors with them; 1e-8 in float64, where only the order of sums is left.
"""

import json

import pytest
import torch
from golden.vectors import HERE, SYSTEMS, Golden, System, assert_near

from pixelmend_engine.training import recipes
from pixelmend_engine.training.losses import TRAINED, Objective, StageNumber, noisy_prior
from pixelmend_engine.training.rates import rate

pytestmark = pytest.mark.usefixtures("one_thread")

RATES: dict[str, dict[str, dict[str, float]]] = json.loads(
    (HERE / "hi-diff-diffir-learning-rates.json").read_text()
)
LOSSES: dict[StageNumber, dict[str, str]] = {
    1: {"pixels": "s1/loss"},
    2: {"pixels": "s2/l_pix", "prior": "s2/l_pix_diff"},
}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize(("suffix", "tolerance"), [("", 1e-4), ("64", 1e-8)])
def test_losses_and_gradients(
    system: System, stage: StageNumber, suffix: str, tolerance: float
) -> None:
    golden = Golden(system)
    dtype = torch.float64 if suffix else torch.float32
    networks = golden.networks().to(dtype).train()
    objective = Objective(networks, stage, torch.float32, frequency_weight=0.0)
    lq, hq, noise = (golden[name].to(dtype) for name in ("a/lq", "a/gt", "s2/noise"))

    losses = objective(lq, hq, noise)
    torch.stack(list(losses.values())).sum().backward()

    found = {LOSSES[stage][name] + suffix: loss.item() for name, loss in losses.items()}
    for name in TRAINED[stage]:
        parameters = networks.get_submodule(name).parameters()
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        found[f"s{stage}/grad_norm.{name}{suffix}"] = norm.item()
    expected = {name: golden[name].item() for name in found}
    assert found == pytest.approx(expected, rel=tolerance)
    assert (stage == 1) == (networks.net_le is not None and _has_gradients(networks.net_le))


def _has_gradients(network: torch.nn.Module) -> bool:
    return any(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_noisy_prior_that_stage_2_starts_from(system: System) -> None:
    golden = Golden(system)
    networks = golden.networks()
    prior = networks.teacher_prior(golden["a/lq"], golden["a/gt"])
    # Both sides of float32's rounding of terms up to 3.
    assert_near(noisy_prior(networks, prior, golden["s2/noise"]), golden["s2/prior_noisy"], 1e-6)


def test_learning_rates_of_the_published_recipes() -> None:
    (expected,) = (case["lr"] for name, case in RATES.items() if name.startswith("hi-diff"))
    for name in ("gopro", "realblur"):
        for stage in recipes.find(name).stages:
            found = {step: rate(stage.cycles, int(step)) for step in expected}
            assert found == pytest.approx(expected, rel=1e-12)
