"""The other layout of Stable Diffusion, held to those who made it: diffusers and transformers."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from golden import recipe
from golden.vectors import assert_near

from pixelmend_engine.checkpoints import StateDict
from pixelmend_engine.models import stable_diffusion
from pixelmend_engine.nn.autoencoder import Autoencoder, mode
from pixelmend_engine.nn.text_encoder import TextEncoder
from pixelmend_engine.nn.unet import UNet

TOLERANCE = 2e-5  # float32 sums in another order, of outputs near 1


def oracle(name: str) -> Any:
    """Returns the package, which is in the extra `oracle`; without it the test is skipped."""
    return pytest.importorskip(name, reason=f"{name} is not installed (extra `oracle`)")


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, of each other
        yield


def ours(state: StateDict, name: str) -> StateDict:
    return stable_diffusion.networks(state, recipe.UNET, recipe.AUTOENCODER)[name]


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


def test_the_unet_is_theirs() -> None:
    torch.manual_seed(0)
    theirs = (
        oracle("diffusers")
        .UNet2DConditionModel(
            sample_size=64,
            block_out_channels=(32, 64, 128, 128),
            down_block_types=(*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
            up_block_types=("UpBlock2D", *["CrossAttnUpBlock2D"] * 3),
            cross_attention_dim=64,
            attention_head_dim=(2, 4, 8, 8),
            use_linear_projection=True,
        )
        .eval()
    )
    network = UNet(recipe.UNET)
    network.load_state_dict(ours(theirs.state_dict(), "unet"), strict=True)
    x, context, t = draw(1, 4, 16, 24), draw(1, 77, 64), torch.tensor([333.0])
    with torch.no_grad():
        assert_near(network(x, t, context), theirs(x, t, context).sample, TOLERANCE)


def test_the_autoencoder_is_theirs() -> None:
    torch.manual_seed(0)
    theirs = (
        oracle("diffusers")
        .AutoencoderKL(
            block_out_channels=(32, 64, 128, 128),
            layers_per_block=2,
            latent_channels=4,
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
        )
        .eval()
    )
    network = Autoencoder(recipe.AUTOENCODER)
    network.load_state_dict(ours(theirs.state_dict(), "autoencoder"), strict=True)
    image, latent = draw(1, 3, 64, 96), draw(1, 4, 8, 12)
    with torch.no_grad():
        assert_near(mode(network.encode(image)), theirs.encode(image).latent_dist.mode(), TOLERANCE)
        assert_near(network.decode(latent), theirs.decode(latent).sample, TOLERANCE)


@pytest.mark.parametrize("prefix", ["", "text_model."])
def test_the_text_encoder_is_theirs(prefix: str) -> None:
    transformers = oracle("transformers")
    torch.manual_seed(0)
    theirs = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=49408,
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=77,
            hidden_act="gelu",
        )
    ).eval()
    state = {
        prefix + key.removeprefix("text_model."): tensor
        for key, tensor in theirs.state_dict().items()
    }
    network = TextEncoder(recipe.TEXT)
    network.load_state_dict(ours(state, "text_encoder"), strict=True)
    ids = torch.randint(0, 49408, (1, 77), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert_near(network(ids), theirs(input_ids=ids).last_hidden_state, TOLERANCE)


def test_layers_that_are_never_run_are_left_out() -> None:
    state = {f"transformer.resblocks.{n}.ln_1.weight": torch.zeros(1) for n in (0, 2, 3, 23)}
    kept = stable_diffusion.without_last_layers(state | {"ln_final.bias": torch.zeros(1)}, 3)
    assert list(kept) == [
        "transformer.resblocks.0.ln_1.weight",
        "transformer.resblocks.2.ln_1.weight",
        "ln_final.bias",
    ]
