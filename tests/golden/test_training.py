"""Losses, gradients and learning rates are those of the published training code.

Tolerances: relative 1e-5 for losses in float32, and 1e-4 for norms of gradients, which sum over
every pixel and step of the chain and rounding errors with them; 1e-8 in float64, where only the
order of sums is left.
"""

import json

import pytest
import torch
from golden import test_diffir
from golden.vectors import HERE, SYSTEMS, Golden, System, assert_near
from torch import Tensor, nn

from pixelmend_engine.training.objectives.diffir import LATER_PARTS, STAGE_1_PARTS, DiffIRObjective
from pixelmend_engine.training.objectives.diffir import noisy_prior as noisy_diffir_prior
from pixelmend_engine.training.objectives.hidiff import TRAINED_PARTS, HIDiffObjective, noisy_prior
from pixelmend_engine.training.objectives.step_losses import StepLosses
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.learning_rates import learning_rate
from pixelmend_engine.training.recipes.recipe import StageNumber

RATES: dict[str, dict[str, dict[str, float]]] = json.loads(
    (HERE / "hi-diff-diffir-learning-rates.json").read_text()
)
LOSSES: dict[StageNumber, dict[str, str]] = {
    1: {"pixels": "s1/loss"},
    2: {"pixels": "s2/l_pix", "prior": "s2/l_pix_diff"},
}
LOSS, GRADIENT, FLOAT64 = 1e-5, 1e-4, 1e-8
PRIOR, OUTPUT = 1e-5, 5e-5
RUN_RATES = (  # recipe, stage, and where the published rates stand
    ("gopro", 1, "hi-diff (all variants, S1 and S2)"),
    ("gopro", 2, "hi-diff (all variants, S1 and S2)"),
    ("realblur", 1, "hi-diff (all variants, S1 and S2)"),
    ("realblur", 2, "hi-diff (all variants, S1 and S2)"),
    ("diffir-deblur", 1, "diffir-deblur S1"),
    ("diffir-deblur", 2, "diffir-deblur S2"),
    ("diffir-realsr-x1", 2, "diffir-realsr S2 (x1, x2, x4)"),
    ("diffir-realsr-x2", 2, "diffir-realsr S2 (x1, x2, x4)"),
    ("diffir-realsr-x4", 2, "diffir-realsr S2 (x1, x2, x4)"),
    ("diffir-realsr-x4", 3, "diffir-realsr GAN / GAN-V2 generator"),
    ("diffir-realsr-x4-v2", 3, "diffir-realsr GAN / GAN-V2 generator"),
)


def norm(network: nn.Module) -> float:
    """Returns the norm of all gradients of a network."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients).item() if gradients else 0.0


def add_up(outcome: StepLosses) -> None:
    """Computes the gradients of all losses together."""
    torch.stack(list(outcome.losses.values())).sum().backward()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("suffix", "tolerance"), [("", 1e-4), ("64", FLOAT64)])
def test_losses_and_gradients_of_hidiff(
    system: System, number: StageNumber, suffix: str, tolerance: float
) -> None:
    golden = Golden(system)
    dtype = torch.float64 if suffix else torch.float32
    networks = golden.networks().to(dtype).train()
    stage = registry.find(system).stage(number)
    objective = HIDiffObjective(networks, number, stage, torch.float32)
    objective.set_trainable(prior_only=False)
    lq, hq, noise = (golden[name].to(dtype) for name in ("a/lq", "a/gt", "s2/noise"))

    outcome = objective(lq, hq, noise)
    add_up(outcome)

    actual = {LOSSES[number][name] + suffix: loss.item() for name, loss in outcome.losses.items()}
    for name in TRAINED_PARTS[number]:
        actual[f"s{number}/grad_norm.{name}{suffix}"] = norm(networks.get_submodule(name))
    expected = {name: golden[name].item() for name in actual}
    assert actual == pytest.approx(expected, rel=tolerance)
    assert networks.net_le is not None
    assert (number == 1) == (norm(networks.net_le) > 0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_noisy_prior_that_stage_2_of_hidiff_starts_from(system: System) -> None:
    golden = Golden(system)
    networks = golden.networks()
    prior = networks.teacher_prior(golden["a/lq"], golden["a/gt"])
    # Both sides of float32's rounding of terms up to 3.
    assert_near(noisy_prior(networks, prior, golden["s2/noise"]), golden["s2/prior_noisy"], 1e-6)


def diffir(golden: test_diffir.Golden, number: StageNumber, dtype: torch.dtype) -> DiffIRObjective:
    """Fills what a stage of DiffIR trains; the later stages' own networks are already trained."""
    inpainting = golden.config.inputs == 4
    recipe = registry.find("diffir-inpaint-faces" if inpainting else "diffir-deblur")
    objective = DiffIRObjective(golden.config, number, recipe.stage(number), torch.float32)
    sources = dict.fromkeys(STAGE_1_PARTS, "s1")
    if number == 2:
        sources |= dict.fromkeys(LATER_PARTS, "s2")
    for name, source in sources.items():
        state = golden.state(source).items()
        own = {key.removeprefix(f"{name}."): t for key, t in state if key.startswith(f"{name}.")}
        objective.parts[name].load_state_dict(own, strict=True)
    objective.set_trainable(prior_only=False)
    return objective.to(dtype).train()


def given(golden: test_diffir.Golden, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the poor pictures, the answers, and noise."""
    lq, hq, noise = (golden[name].to(dtype) for name in ("a/input", "a/gt", "s2/noise"))
    return lq, hq, noise


FLOATS = pytest.mark.parametrize("suffix", ["", "64"], ids=["float32", "float64"])


def compare(golden: test_diffir.Golden, actual: dict[str, float], suffix: str) -> None:
    """Compares losses and norms of gradients, each with its tolerance."""
    for name, value in actual.items():
        tolerance = FLOAT64 if suffix else GRADIENT if "grad_norm" in name else LOSS
        expected = golden[name + suffix].item()
        assert value == pytest.approx(expected, rel=tolerance, abs=1e-12), name


@FLOATS
@pytest.mark.parametrize("system", test_diffir.SYSTEMS)
def test_stage_1_of_diffir(system: str, suffix: str) -> None:
    golden = test_diffir.Golden(system)
    dtype = torch.float64 if suffix else torch.float32
    objective = diffir(golden, 1, dtype)
    outcome = objective(*given(golden, dtype))
    add_up(outcome)
    actual = {"s1/loss": outcome.losses["pixels"].item()}
    actual |= {f"s1/grad_norm.{name}": norm(objective.parts[name]) for name in STAGE_1_PARTS}
    compare(golden, actual, suffix)
    assert_near(outcome.restored, golden["s1/output"], OUTPUT)


@FLOATS
@pytest.mark.parametrize("system", test_diffir.SYSTEMS)
def test_stage_2_of_diffir(system: str, suffix: str) -> None:
    golden = test_diffir.Golden(system)
    dtype = torch.float64 if suffix else torch.float32
    lq, hq, noise = given(golden, dtype)
    objective = diffir(golden, 2, dtype)
    if system != "inpainting":  # which has no phase of the prior alone
        objective.set_trainable(prior_only=True)
        outcome = objective(lq, hq, noise)
        assert outcome.restored is None
        add_up(outcome)
        actual = {f"s2/encoder.grad_norm.{n}": norm(objective.parts[n]) for n in LATER_PARTS}
        compare(golden, actual, suffix)
        objective.zero_grad()
        objective.set_trainable(prior_only=False)
    steps: list[Tensor] = []
    objective.networks.denoise.register_forward_hook(
        lambda _, __, x0: steps.append(torch.as_tensor(x0))
    )

    outcome = objective(lq, hq, noise)
    add_up(outcome)

    actual = {
        "s2/l_pix": outcome.losses["pixels"].item(),
        "s2/l_abs": outcome.losses["prior"].item(),
    }
    actual |= {"s2/l_kd": outcome.metrics["divergence"].item()}
    actual |= {f"s2/joint.grad_norm.{n}": norm(objective.parts[n]) for n in LATER_PARTS}
    compare(golden, actual, suffix)
    assert outcome.restored is not None
    assert_near(outcome.restored, golden["s2/output"], OUTPUT)
    assert len(steps) == 4
    target = objective.teacher(lq, hq)
    assert_near(target, golden["s2/ipr_s1"], PRIOR)
    noisy = noisy_diffir_prior(objective.networks, target, noise)
    assert_near(noisy, golden["s2/x_noisy"], PRIOR)
    assert_near(steps[-1][:, 0], golden["s2/prior_steps"][-1], PRIOR)
    assert norm(objective.teacher) == 0


@pytest.mark.parametrize(("recipe", "number", "published"), RUN_RATES)
def test_learning_rates_of_the_published_recipes(
    recipe: str, number: StageNumber, published: str
) -> None:
    stage = registry.find(recipe).stage(number)
    expected = {int(step): value for step, value in RATES[published]["lr"].items()}
    actual = {step: learning_rate(stage.rates, step) for step in expected}
    assert actual == pytest.approx(expected, rel=1e-12)
    assert stage.joint_training_from == RATES[published].get("encoder_iter", 1)


def test_the_rates_that_are_halved_after_a_milestone() -> None:
    srgan = registry.find("diffir-srgan-x4").stage(3)
    assert srgan.adversarial is not None
    rates = [
        [learning_rate(r, n) for n in (200_000, 200_001)]
        for r in (srgan.rates, srgan.adversarial.rates)
    ]
    assert rates == [[2e-4, 1e-4], [1e-4, 5e-5]]
    first = registry.find("diffir-realsr-x4").stage(1)
    actual = [
        learning_rate(first.rates, step) for step in (500_000, 500_001, 700_000, 700_001, 1_000_000)
    ]
    assert actual == [2e-4, 1e-4, 1e-4, 5e-5, 5e-5]
