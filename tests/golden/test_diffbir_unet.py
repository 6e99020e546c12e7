"""U-Net and control network compute what the published code computes.

Tolerance: float32 sums in another order, as measured beside the golden vectors.
"""

import pytest
import torch
from golden import recipe
from golden.recipe import Golden, filled
from golden.vectors import assert_near, manifest
from torch import Tensor

from pixelmend_engine.catalog.sizes import UNetSizes
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.cross_attention import timestep_embedding
from pixelmend_engine.nn.stable_diffusion.unet import UNet

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("unet-control")


@pytest.fixture(scope="module")
def unet() -> UNet:
    return filled(UNet(recipe.UNET), "model.diffusion_model.")


@pytest.fixture(scope="module")
def control(golden: Golden) -> list[Tensor]:
    network = filled(ControlNet(recipe.UNET), "control_model.")
    return network(golden["x"], golden["hint"], golden["timesteps"].float(), golden["context"])


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        unet, control = UNet(UNetSizes()), ControlNet(UNetSizes())
    prefix = "model.diffusion_model."
    published = manifest("diffbir-sd21-ldm")
    assert {f"{prefix}{key}": list(t.shape) for key, t in unet.state_dict().items()} == {
        key: shape for key, shape in published.items() if key.startswith(prefix)
    }
    assert {key: list(t.shape) for key, t in control.state_dict().items()} == manifest(
        "diffbir-ircontrolnet"
    )


def test_timesteps(golden: Golden, unet: UNet) -> None:
    t = golden["timesteps"].float()
    assert_near(timestep_embedding(t, recipe.UNET.channels), golden["t_emb"], TOLERANCE)
    assert_near(unet.embed(t), golden["emb"], TOLERANCE)


def test_residuals(golden: Golden, control: list[Tensor]) -> None:
    assert len(control) == 13
    for number, residual in enumerate(control):
        expected = golden[f"residual.{number:02}"]
        assert_near(residual, expected, TOLERANCE * max(1.0, float(expected.abs().max())))


def test_predictions(golden: Golden, unet: UNet, control: list[Tensor]) -> None:
    inputs = golden["x"], golden["timesteps"].float(), golden["context"]
    assert_near(unet(*inputs), golden["out_nocontrol"], TOLERANCE)
    assert_near(unet(*inputs, control), golden["out_control"], TOLERANCE)
    half = [0.5 * residual for residual in control]
    assert_near(unet(*inputs, half), golden["out_control_s0.5"], TOLERANCE)


def test_fractions_of_timesteps(golden: Golden, unet: UNet) -> None:
    output = unet(golden["x"], golden["timesteps_frac"], golden["context"])
    assert_near(output, golden["out_nocontrol_frac"], TOLERANCE)


def test_a_block_and_a_transformer(golden: Golden, unet: UNet) -> None:
    embedding = golden["emb"]
    block = unet.get_submodule("input_blocks.4.0")
    assert_near(block(golden["rb.input"], embedding), golden["rb.output"], TOLERANCE)
    transformer = unet.get_submodule("input_blocks.4.1")
    assert_near(transformer(golden["st.input"], golden["context"]), golden["st.output"], TOLERANCE)


def test_in_training_both_compute_the_same(golden: Golden, unet: UNet) -> None:
    network = filled(ControlNet(recipe.UNET), "control_model.")
    t, context = golden["timesteps"].float(), golden["context"]
    noise = torch.randn(golden["x"].shape, generator=torch.Generator().manual_seed(0))
    published = (golden["out_control"] - noise).square().mean().item()
    gradients: list[Tensor] = []
    for recompute in (False, True):
        network.zero_grad()
        network.requires_grad_(requires_grad=True)
        residuals = network(golden["x"], golden["hint"], t, context, recompute=recompute)
        output = unet(golden["x"], t, context, residuals, recompute=recompute)
        loss = (output - noise).square().mean()
        assert loss.item() == pytest.approx(published, rel=1e-5)
        loss.backward()
        gradient = network.input_blocks[0].get_submodule("0").weight.grad
        assert isinstance(gradient, Tensor)
        gradients.append(gradient.clone())
    assert gradients[0].any()
    assert_near(gradients[1], gradients[0], 1e-6 * float(gradients[0].abs().max()))
