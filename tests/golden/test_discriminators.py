"""Discriminators are the published ones, and lose what the published training code loses.

Tolerances: float32 sums in another order, relative 1e-5; norms of gradients 1e-4; float64 1e-9.
"""

from typing import TypeVar

import pytest
import torch
from golden.test_diffir import Golden
from golden.test_training import diffir, given
from golden.vectors import assert_near, manifest
from torch import Tensor, nn

from pixelmend_engine.training.objectives.adversarial_losses import PatchGanLoss, UNetGanLoss
from pixelmend_engine.training.objectives.discriminators import (
    PatchDiscriminator,
    UNetDiscriminator,
)

Network = TypeVar("Network", UNetDiscriminator, PatchDiscriminator)
PREDICTION = 1e-5
FLOATS = pytest.mark.parametrize(
    ("suffix", "dtype", "tolerance"),
    [("", torch.float32, 1e-5), ("64", torch.float64, 1e-9)],
    ids=["float32", "float64"],
)


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("diffir-sr-discriminator", UNetDiscriminator, 4_376_897),
        ("diffir-inpainting-discriminator", PatchDiscriminator, 6_962_369),
    ],
)
def test_names_and_shapes_are_the_published_ones(
    name: str, kind: type[nn.Module], count: int
) -> None:
    network = kind()
    shapes = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
    assert shapes == manifest(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def discriminator(kind: type[Network], golden: Golden, dtype: torch.dtype) -> Network:
    network = kind(width=4)
    prefix = "state/disc/"
    state = {
        name.removeprefix(prefix): tensor.reshape(network.state_dict()[name[len(prefix) :]].shape)
        for name, tensor in golden.tensors.items()
        if name.startswith(prefix)
    }
    network.load_state_dict(state, strict=True)
    return network.to(dtype).train()


def stage_2(golden: Golden, dtype: torch.dtype) -> Tensor:
    """Restores what stage 2 restored; rounded to float32 it would be no good in float64."""
    with torch.no_grad():
        return diffir(golden, 2, dtype)(*given(golden, dtype)).restored


@FLOATS
def test_the_game_over_pixels(suffix: str, dtype: torch.dtype, tolerance: float) -> None:
    golden = Golden("sr-x4")
    game = UNetGanLoss(discriminator(UNetDiscriminator, golden, dtype))
    inputs: list[Tensor] = []
    game.discriminator.register_forward_hook(
        lambda _, __, judged: inputs.append(torch.as_tensor(judged))
    )
    restored, real = stage_2(golden, dtype), golden["a/gt"].to(dtype)
    losses = {
        "l_g_gan": game.generator_loss(restored, real)["adversarial"],
        **dict(zip(("l_d_real", "l_d_fake"), game(restored, real, None).values(), strict=True)),
    }
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(golden[f"gan/{name}{suffix}"].item(), rel=tolerance)
    for name, judged in zip(("fake_g_pred", "real_d_pred", "fake_d_pred"), inputs, strict=True):
        assert_near(judged, golden[f"gan/{name}"], PREDICTION)


@FLOATS
def test_the_game_over_patches(suffix: str, dtype: torch.dtype, tolerance: float) -> None:
    golden = Golden("inpainting")
    restored = stage_2(golden, dtype)
    real, mask = golden["a/gt"].to(dtype), golden["a/mask"].to(dtype)
    game = PatchGanLoss(discriminator(PatchDiscriminator, golden, dtype))
    generator_loss = game.generator_loss(restored, real)
    judge = discriminator(PatchDiscriminator, golden, dtype)
    losses = PatchGanLoss(judge)(restored, real, mask)
    torch.stack([*losses.values()]).sum().backward()
    gradient = torch.nn.utils.get_total_norm(
        [parameter.grad for parameter in judge.parameters() if parameter.grad is not None]
    )
    actual = {
        "gen_adv": generator_loss["adversarial"],
        "feature_matching": generator_loss["features"],
        "disc_real_gp": losses["gradient penalty"],
        "disc_loss": torch.stack([*losses.values()]).sum(),
    }
    for name, loss in actual.items():
        assert loss.item() == pytest.approx(golden[f"gan/{name}{suffix}"].item(), rel=tolerance)
    expected = golden[f"gan/disc_grad_norm{suffix}"].item()
    assert gradient.item() == pytest.approx(expected, rel=10 * tolerance)
    # Norms of batches have learned from both forward passes.
    judged, _ = judge.eval()(restored)
    assert_near(judged, golden["gan/eval_fake_pred_after"], PREDICTION)
