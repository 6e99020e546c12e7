"""The other layout of Stable Diffusion, held to those who made it: diffusers and transformers."""

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes import CPU
from golden import recipe
from golden.vectors import assert_near
from small_diffbir import small, write

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.sizes import AutoencoderSizes, TextEncoderSizes, UNetSizes
from pixelmend_engine.catalog.weight_files import catalog, manifest
from pixelmend_engine.models import loading
from pixelmend_engine.models.diffbir import stable_diffusion_layouts
from pixelmend_engine.models.diffbir.model import DiffBIRPipeline
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder, mode
from pixelmend_engine.nn.stable_diffusion.text_encoder import TextEncoder
from pixelmend_engine.nn.stable_diffusion.unet import UNet
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints.reading import StateDict

TOLERANCE = 2e-5  # float32 sums in another order, of outputs near 1
OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def oracle(name: str) -> Any:
    """Returns the package, which is in the extra `oracle`; without it the test is skipped."""
    return pytest.importorskip(name, reason=f"{name} is not installed (extra `oracle`)")


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, of each other
        yield


def ours(state: StateDict, name: str) -> StateDict:
    return stable_diffusion_layouts.networks(state, recipe.UNET, recipe.AUTOENCODER)[name]


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


def their_unet(sizes: UNetSizes) -> Any:
    torch.manual_seed(0)
    channels = [sizes.channels * factor for factor in sizes.multipliers]
    return (
        oracle("diffusers")
        .UNet2DConditionModel(
            sample_size=64,
            block_out_channels=channels,
            down_block_types=(*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
            up_block_types=("UpBlock2D", *["CrossAttnUpBlock2D"] * 3),
            cross_attention_dim=sizes.context,
            attention_head_dim=[width // sizes.head_channels for width in channels],
            use_linear_projection=True,
        )
        .eval()
    )


def their_autoencoder(sizes: AutoencoderSizes) -> Any:
    torch.manual_seed(0)
    return (
        oracle("diffusers")
        .AutoencoderKL(
            block_out_channels=[sizes.channels * factor for factor in sizes.multipliers],
            layers_per_block=2,
            latent_channels=4,
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
        )
        .eval()
    )


def their_text_encoder(sizes: TextEncoderSizes) -> Any:
    transformers = oracle("transformers")
    torch.manual_seed(0)
    return transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=49408,
            hidden_size=sizes.width,
            intermediate_size=4 * sizes.width,
            num_hidden_layers=sizes.layers,
            num_attention_heads=sizes.heads,
            max_position_embeddings=77,
            hidden_act="gelu",
        )
    ).eval()


def prefixed(state: StateDict, prefix: str) -> StateDict:
    """Names the text encoder's tensors as one version of transformers or the other does."""
    return {prefix + key.removeprefix("text_model."): tensor for key, tensor in state.items()}


def test_the_unet_is_theirs() -> None:
    theirs = their_unet(recipe.UNET)
    network = UNet(recipe.UNET)
    network.load_state_dict(ours(theirs.state_dict(), "unet"), strict=True)
    x, context, t = draw(1, 4, 16, 24), draw(1, 77, 64), torch.tensor([333.0])
    with torch.no_grad():
        assert_near(network(x, t, context), theirs(x, t, context).sample, TOLERANCE)


@pytest.mark.parametrize("names", [{}, OLD_ATTENTION], ids=["new names", "old names"])
def test_the_autoencoder_is_theirs(names: dict[str, str]) -> None:
    theirs = their_autoencoder(recipe.AUTOENCODER)
    state: StateDict = theirs.state_dict()
    for new, old in names.items():
        state = {key.replace(f".{new}.", f".{old}."): tensor for key, tensor in state.items()}
    network = Autoencoder(recipe.AUTOENCODER)
    network.load_state_dict(ours(state, "autoencoder"), strict=True)
    image, latent = draw(1, 3, 64, 96), draw(1, 4, 8, 12)
    with torch.no_grad():
        assert_near(mode(network.encode(image)), theirs.encode(image).latent_dist.mode(), TOLERANCE)
        assert_near(network.decode(latent), theirs.decode(latent).sample, TOLERANCE)


@pytest.mark.parametrize("prefix", ["", "text_model."])
def test_the_text_encoder_is_theirs(prefix: str) -> None:
    theirs = their_text_encoder(recipe.TEXT)
    state = prefixed(theirs.state_dict(), prefix)
    network = TextEncoder(recipe.TEXT)
    network.load_state_dict(ours(state, "text_encoder"), strict=True)
    ids = torch.randint(0, 49408, (1, 77), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert_near(network(ids), theirs(input_ids=ids).last_hidden_state, TOLERANCE)


def test_layers_that_are_never_run_are_left_out() -> None:
    state = {f"transformer.resblocks.{n}.ln_1.weight": torch.zeros(1) for n in (0, 2, 3, 23)}
    kept = stable_diffusion_layouts.without_last_layers(
        state | {"ln_final.bias": torch.zeros(1)}, 3
    )
    assert list(kept) == [
        "transformer.resblocks.0.ln_1.weight",
        "transformer.resblocks.2.ln_1.weight",
        "ln_final.bias",
    ]


def test_a_folder_as_diffusers_writes_it_takes_the_single_files_place(tmp_path: Path) -> None:
    spec = small("diffbir-v2.1")
    write(spec, tmp_path)
    (tmp_path / "sd.ckpt").unlink()
    folder = tmp_path / "stable-diffusion-2-1-base"
    theirs = {
        "unet": their_unet(recipe.UNET),
        "vae": their_autoencoder(recipe.AUTOENCODER),
        "text_encoder": their_text_encoder(recipe.TEXT),
    }
    for name, network in theirs.items():
        network.half().save_pretrained(folder / name, variant="fp16")
    files = store.files_at(tmp_path)
    assert len(files) == 6
    _, pipeline = loading.load([spec], files, CPU, torch.float32)
    assert isinstance(pipeline, DiffBIRPipeline)
    expected = ours(theirs["vae"].state_dict(), "autoencoder")["encoder.mid.attn_1.q.weight"]
    got = pipeline.networks.autoencoder.state_dict()["encoder.mid.attn_1.q.weight"]
    assert got.dtype == torch.float32
    assert torch.equal(got, expected.float())
    theirs["unet"].save_pretrained(folder / "unet")  # and in its other form beside it
    with pytest.raises(UnreadableCheckpoint, match="second unet: `unet/diffusion_pytorch_model"):
        loading.load([spec], store.files_at(tmp_path), CPU, torch.float32)


def test_manifests_are_their_names_and_make_files_of_the_published_size() -> None:
    with torch.device("meta"):
        theirs = {
            "unet": their_unet(UNetSizes()).state_dict(),
            "vae": their_autoencoder(AutoencoderSizes()).state_dict(),
            "text-encoder": prefixed(
                their_text_encoder(TextEncoderSizes()).state_dict(), "text_model."
            ),
        }
    for name, state in theirs.items():
        shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
        assert manifest(f"sd21-{name}") == shapes
        # The numbers of places, which transformers 4 wrote beside the text encoder's weights.
        places = {"text_model.embeddings.position_ids": (1, 77)} if name == "text-encoder" else {}
        file = catalog()[f"sd21-base-{name}"]
        assert file.size_bytes == _size(shapes, places)


def _size(halves: dict[str, tuple[int, ...]], longs: dict[str, tuple[int, ...]]) -> int:
    """Returns the length of a safetensors file: widest numbers first, then by name, padded to 8."""
    place = 0
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for tensors, kind, width in ((longs, "I64", 8), (halves, "F16", 2)):
        for key, shape in sorted(tensors.items()):
            end = place + width * math.prod(shape)
            header[key] = {"dtype": kind, "shape": list(shape), "data_offsets": [place, end]}
            place = end
    words = len(json.dumps(header, separators=(",", ":")))
    return 8 + math.ceil(words / 8) * 8 + place
