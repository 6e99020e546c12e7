"""Restoration guidance and color transfer compute what the published code computes.

Tolerances: gradients through a decoder sum thousands of terms in another order (1e-3 relative, as
stated beside the golden vectors); pictures are [0, 1] and rounded once or twice.
"""

from collections.abc import Callable

import pytest
import torch
from golden import recipe
from golden.recipe import Golden, filled
from golden.vectors import assert_near
from torch import Tensor

from pixelmend_engine.models.diffbir.restoration_guidance import (
    guided,
    smooth_weights,
    weighted_error,
)
from pixelmend_engine.nn import color_transfer
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder, sample

LATENT_SCALE, GRADIENT, PICTURE = 0.18215, 1e-3, 1e-5


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("guidance")


@pytest.fixture(scope="module")
def network() -> Autoencoder:
    return filled(Autoencoder(recipe.AUTOENCODER), "first_stage_model.")


def losses(golden: Golden, network: Autoencoder) -> dict[str, Callable[[Tensor], Tensor]]:
    target = golden["target"]
    flat = torch.ones_like(target[:, :1])
    moments = network.encode(target)
    encoded = sample(moments, golden["latent_sample_noise"]) * LATENT_SCALE

    def rgb(weights: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda x0: weighted_error(network.decode(x0 / LATENT_SCALE), target, weights)

    return {
        "mse_latent": lambda x0: ((x0 - encoded) ** 2).mean(dim=(1, 2, 3)).sum(),
        "mse_rgb": rgb(flat),
        "wmse_rgb": rgb(smooth_weights(target)),
    }


@pytest.mark.parametrize("name", ["mse_latent", "mse_rgb", "wmse_rgb", "wmse_rgb_rep2"])
@pytest.mark.parametrize("index", [9, 5, 1])
def test_guided(golden: Golden, network: Autoencoder, name: str, index: int) -> None:
    facts = golden.facts["cases"][f"{name}.idx{index}"]
    loss = losses(golden, network)[name.removesuffix("_rep2")]
    repeats = 2 if name.endswith("_rep2") else 1
    if repeats == 1:  # else it is that of the last turn
        computed = float(loss(golden["pred_x0"]))
        assert computed == pytest.approx(facts["loss"], rel=GRADIENT)
    weight, scale = facts["posterior_mean_coef1"], golden.facts["g_scale"]
    after = guided(golden["pred_x0"], weight, scale, loss, repeats)
    assert_near(after, golden[f"{name}.idx{index}"], GRADIENT * facts["delta_absmax"])


def test_weights_and_gradients(golden: Golden) -> None:
    target, predicted = golden["target"], golden["rgb_pred"].requires_grad_()
    weights = smooth_weights(target)
    assert_near(weights[..., ::2, ::2], golden["wmse.weight_map"], PICTURE)
    for name, used in (("wmse", weights), ("mse", torch.ones_like(weights))):
        loss = weighted_error(predicted, target, used)
        assert float(loss.detach()) == pytest.approx(golden.facts["losses"][name], rel=GRADIENT)
        (gradient,) = torch.autograd.grad(loss, predicted)
        expected = golden[f"{name}.neg_grad_scaled"]
        scaled = -gradient[..., ::4, ::4] * golden.facts["g_scale"] * 3000
        assert_near(scaled, expected, GRADIENT * float(expected.abs().max()))


def test_colors() -> None:
    golden = Golden("colorfix-helpers")
    content, style = golden["wavelet.content"], golden["wavelet.style"]
    result = color_transfer.wavelet(content, style)
    assert_near(result[..., ::2, ::2], golden["wavelet.out"], PICTURE)
    fine = color_transfer.wavelet(content, torch.zeros_like(style))
    assert_near(fine[..., ::2, ::2], golden["wavelet.content_high"], PICTURE)
    coarse = color_transfer.low_frequencies(content)
    assert_near(coarse[..., ::2, ::2], golden["wavelet.content_low"], PICTURE)
    result = color_transfer.adain(content, style)
    assert_near(result[..., ::4, ::4], golden["adain.out"], PICTURE)


def test_coarse_colors(golden: Golden) -> None:
    low = color_transfer.low_frequencies((golden["target"] + 1) / 2)
    assert_near(low[..., ::4, ::4], golden["better_start.low_freq"], PICTURE)
