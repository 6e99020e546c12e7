"""What DiffBIR's second stage begins with, what it is asked for, and what it refuses."""

import dataclasses

import pytest
import torch
from fakes import CPU
from small_diffbir import tiny
from torch import Tensor

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import V1_GENERAL, V2_1, DiffBIRConfig
from pixelmend_engine.models.diffbir.model import LATENT_SCALE, DiffBIR
from pixelmend_engine.training.data.latent_pool import LatentBatch
from pixelmend_engine.training.frozen_networks import FrozenNetworks
from pixelmend_engine.training.objectives.control import (
    ControlObjective,
    check_prediction,
    initial_control,
    refuse_noise_prediction,
)
from pixelmend_engine.training.recipes.diffbir import GENERAL, V2_1_RECIPE
from pixelmend_engine.training.recipes.recipe import Recipe


def objective(recipe: Recipe, published: DiffBIRConfig) -> ControlObjective:
    config = tiny(published)
    torch.manual_seed(0)
    networks = DiffBIR(config, frozenset({"swinir"}))
    states = {name: dict(part.state_dict()) for name, part in networks.named_children()}
    frozen = FrozenNetworks.filled(config, states, CPU, torch.float32)
    made = ControlObjective(config, recipe.stage(2), frozen, torch.float32)
    made.set_trainable(prior_only=False)
    made.load_initial({})
    return made


def batch(count: int, caption: float = 0.0) -> LatentBatch:
    generator = torch.Generator().manual_seed(5)
    moments, condition = (
        torch.randn(count, channels, 8, 8, generator=generator) for channels in (8, 4)
    )
    return LatentBatch(moments, condition, torch.full((count, 77, 64), caption))


def test_it_begins_as_the_u_net_to_the_bit_and_adds_nothing() -> None:
    made = objective(V2_1_RECIPE, V2_1)
    unet, control = made.unet.state_dict(), made.control.state_dict()
    for name, tensor in control.items():
        if name == "input_blocks.0.0.weight":
            assert torch.equal(tensor[:, :4], unet[name])
            assert not tensor[:, 4:].any()
        elif name.startswith(("zero_convs", "middle_block_out")):
            assert not tensor.any()
        else:
            assert torch.equal(tensor, unet[name])
    assert initial_control(made.control, unet).keys() == control.keys()
    few = batch(2)
    t = torch.tensor([3.0, 500.0])
    residuals = made.control(few.condition, few.condition, t, few.context)
    assert all(not residual.any() for residual in residuals)


@pytest.mark.parametrize(
    ("recipe", "config"), [(GENERAL, V1_GENERAL), (V2_1_RECIPE, V2_1)], ids=["epsilon", "v"]
)
def test_the_loss_is_that_of_the_formulas(recipe: Recipe, config: DiffBIRConfig) -> None:
    made = objective(recipe, config)
    few = batch(3)
    draws = made.draw(few, torch.Generator().manual_seed(2))
    outcome = made(*few.inputs, draws)

    # Once more, sample by sample, in float64 where there are no networks.
    schedule = made.schedule
    errors: list[Tensor] = []
    for number in range(3):
        u_t, u_k = draws[number, 0].item(), draws[number, 1].item()
        drawn, noise, more = draws[number, 3:].double().view(3, 1, 4, 8, 8)
        mean, log_variance = few.moments[number].double().chunk(2)
        z_0 = (mean + (0.5 * log_variance.clamp(-30, 20)).exp() * drawn) * LATENT_SCALE
        t = int(u_t * 1000)
        a, s = schedule.sqrt_alpha_bar, schedule.sqrt_one_minus_alpha_bar
        condition = few.condition[number : number + 1].double()
        if config is V2_1:
            k = int(u_k * 200)
            condition = a[k] * condition + s[k] * more
        z_t = (a[t] * z_0 + s[t] * noise).float()
        steps = torch.tensor([float(t)])
        context = made.empty[None] if draws[number, 2] < made.dropped_captions else few.context[:1]
        control = made.control(z_t, condition.float(), steps, context)
        predicted = made.unet(z_t, steps, context, control).double()
        target = noise if config.prediction == "epsilon" else a[t] * noise - s[t] * z_0
        errors.append((predicted - target).square().mean())
    assert outcome.losses[config.prediction].item() == pytest.approx(
        torch.stack(errors).mean().item(), rel=1e-5
    )


def test_the_control_network_alone_learns() -> None:
    made = objective(V2_1_RECIPE, V2_1)
    few = batch(2)
    made(*few.inputs, made.draw(few, torch.Generator().manual_seed(2))).losses["v"].backward()
    assert all(p.grad is None for p in made.unet.parameters())
    assert all(p.grad is None for p in made.frozen.autoencoder.parameters())
    grown = [
        name for name, p in made.control.named_parameters() if p.grad is not None and p.grad.any()
    ]
    assert {name.partition(".")[0] for name in grown} == {"zero_convs", "middle_block_out"}


def test_captions_are_left_out_by_their_share() -> None:
    made = objective(V2_1_RECIPE, V2_1)
    with torch.no_grad():  # what it adds must depend on the text
        for name, parameter in made.control.named_parameters():
            if name.startswith(("zero_convs", "middle")):
                parameter.add_(0.1)
    draws = made.draw(batch(1), torch.Generator().manual_seed(2))
    for uniform, same in ((0.1, True), (0.3, False)):
        draws[:, 2] = uniform
        losses = [
            made(*batch(1, caption).inputs, draws).losses["v"].item() for caption in (0.0, 9.0)
        ]
        assert (losses[0] == losses[1]) is same


def test_a_u_net_that_predicts_noise_is_refused_where_v_is_learned() -> None:
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with pytest.raises(BadRequest, match="predicts noise"):
        refuse_noise_prediction(0.9 * noise, noise)
    refuse_noise_prediction(-noise.flip(-1), noise)
    check_prediction(objective(V2_1_RECIPE, V2_1))
    check_prediction(objective(GENERAL, dataclasses.replace(V1_GENERAL)))
