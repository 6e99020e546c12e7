"""The whole of DiffBIR computes what the published code computes, from the same draws.

Tolerances: fifty times what a change of 3e-7 of the weights makes of the latent, as measured beside
the golden vectors; of the 8-bit result, one step, of few values.
"""

from typing import Any

import numpy as np
import pytest
import torch
from einops import rearrange
from fakes import CPU
from golden import recipe
from golden.recipe import Golden, recipe_tensor
from golden.vectors import assert_near
from PIL import Image
from torch import Tensor, nn

from pixelmend_engine.catalog.diffbir import V2, V2_1, DiffBIRConfig, RestorationModule
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.models.diffbir.degradation_removal import remove_degradation
from pixelmend_engine.models.diffbir.memory_plan import Plan
from pixelmend_engine.models.diffbir.model import DiffBIR, DiffBIRPipeline
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.nn.stable_diffusion import tiled_autoencoder
from pixelmend_engine.nn.stable_diffusion.autoencoder import mode

GOLDEN = Golden("pipeline")
CASES: list[dict[str, Any]] = GOLDEN.facts["cases"]
# What these do, others do too: tiles, most samplers and SCUNet have goldens of their own.
SLOW = ("v2.1-sr", "v2-tiled", "v2-denoise-cond")
LATENT_SCALE = 0.18215  # published
FLOAT = 5e-5  # sums in another order, of what is of order 1
PREFIXES = {
    "unet": "model.diffusion_model.",
    "control": "control_model.",
    "autoencoder": "first_stage_model.",
    "text_encoder": "cond_stage_model.model.",
    "swinir": "swinir.",
    "bsrnet": "bsrnet.",
    "scunet": "scunet.",
}
MODULES: dict[str, RestorationModule] = {
    "swinir": "swinir",
    "bsrnet": "bsrnet",
    "scunet": "scunet",
}


class Draws:
    """The draws that the golden vectors were made with."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, like: Tensor) -> Tensor:
        values = np.random.RandomState(7000 + self.drawn).standard_normal(tuple(like.shape))
        self.drawn += 1
        return torch.from_numpy(values.astype(np.float32))

    def brownian(self, like: Tensor, sigma: float, sigma_next: float) -> Tensor:
        return self.draw(like)


def pipeline(published: DiffBIRConfig, module: RestorationModule) -> DiffBIRPipeline:
    config = recipe.tiny(published)
    networks = DiffBIR(config, frozenset({module}))
    state = {
        key: recipe_tensor(PREFIXES[part] + name, tuple(tensor.shape))
        for key, tensor in networks.state_dict().items()
        for part, _, name in [key.partition(".")]
    }
    networks.load_state_dict(state, strict=True)
    return DiffBIRPipeline(networks, CPU, torch.float32)


def picture(case: dict[str, Any], size: tuple[int, int]) -> Tensor:
    """The picture; enlarged through 8 bits, as published, where the network does not do it."""
    lq = Image.fromarray(GOLDEN[f"{case['name']}.lq"].numpy())
    if case["stage1"] != "bsrnet":
        lq = lq.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return rearrange(torch.from_numpy(np.array(lq)), "h w c -> 1 c h w").float() / 255


def record_one(network: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Keeps what a network is given and what it puts out, from now on."""
    calls: list[tuple[Tensor, Tensor]] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        calls.append((inputs[0], output))

    network.register_forward_hook(keep)
    return calls


def merged(parts: list[Tensor], latent: Tensor, tile_side: int | None) -> Tensor:
    """Puts together what the decoder made of each tile; only what is the tile's own counts."""
    height, width = latent.shape[-2:]
    side = max(height, width) if tile_side is None else tile_side // 8
    whole = torch.empty(1, 3, 8 * height, 8 * width)
    cut = tiled_autoencoder.tiles(height, width, side, tiled_autoencoder.DECODER_PAD)
    for tile, part in zip(cut, parts, strict=True):
        (top, bottom, y), (left, right, x) = (
            (8 * c.core_start, 8 * c.core_stop, 8 * (c.core_start - c.start))
            for c in (tile.rows, tile.columns)
        )
        whole[..., top:bottom, left:right] = part[..., y : y + bottom - top, x : x + right - left]
    return whole


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["name"], marks=pytest.mark.slow if case["name"] in SLOW else ())
        for case in CASES
    ],
)
def test_from_picture_to_picture(case: dict[str, Any]) -> None:
    arguments, name = case["args"], case["name"]
    module = MODULES[case["stage1"]]
    model = pipeline(V2_1 if case["parameterization"] == "v" else V2, module)
    settings = DiffBIRSettings(
        prompt=arguments["pos_prompt"],
        negative_prompt=arguments["neg_prompt"],
        sampler=arguments["sampler_type"],
        steps=arguments["steps"],
        cfg_scale=arguments["cfg_scale"],
        rising_cfg=arguments["rescale_cfg"],
        start_point=arguments["start_point_type"],
        noise_aug=arguments["noise_aug"],
        control_strength=arguments["strength"],
    )
    plan = Plan(
        remove_degradation=arguments["cleaner_tile_size"] if arguments["cleaner_tiled"] else None,
        encode=arguments["vae_encoder_tile_size"] if arguments["vae_encoder_tiled"] else None,
        diffuse=arguments["cldm_tile_size"] if arguments["cldm_tiled"] else None,
        decode=arguments["vae_decoder_tile_size"] if arguments["vae_decoder_tiled"] else None,
        needed_bytes={},
    )
    height, width = case["lq_hw"]
    size = (int(height * case["upscale"]), int(width * case["upscale"]))
    image, draws = picture(case, size), Draws()

    autoencoder = model.networks.autoencoder
    described, encoded, decoding, decoded = (
        record_one(network)
        for network in (
            model.networks.text_encoder,
            autoencoder.quant_conv,
            autoencoder.post_quant_conv,
            autoencoder.decoder.conv_out,
        )
    )
    with torch.no_grad():
        smooth = remove_degradation(
            model.networks.restoration_module(module),
            image,
            size,
            512,
            plan.remove_degradation,
            CPU,
        )
    result = model.run(image, size, module, settings, draws, plan, Progress())

    assert draws.drawn == case["noise_draws"]
    assert list(smooth.shape[-2:]) == case["cond_img_hw"]
    assert_near(smooth[..., ::16, ::16], GOLDEN[f"{name}.cond_img_sub4"], FLOAT)
    ((_, texts),), ((_, moments),), ((latent, _),) = described, encoded, decoding
    for text, kept in zip(texts, ("c_txt_pos", "c_txt_neg"), strict=True):
        assert_near(text[None, :, :8], GOLDEN[f"{name}.{kept}"], FLOAT)
    c_img = mode(moments) * LATENT_SCALE
    assert_near(c_img[..., ::2, ::2], GOLDEN[f"{name}.c_img"], FLOAT)
    sensitive = case["sensitivity"]
    allowed = max(50 * sensitive["z_max_change"], 1e-4 * sensitive["z_absmax"])
    z = latent * LATENT_SCALE
    assert list(z.shape[-2:]) == case["z_hw"]
    assert_near(z[..., ::2, ::2], GOLDEN[f"{name}.z"], allowed)
    whole = merged([output for _, output in decoded], latent, plan.decode)
    # The decoder passes on what of the latent differs, by their sizes.
    passed_on = allowed * case["decoded_absmax"] / sensitive["z_absmax"]
    assert_near(whole[..., ::16, ::16], GOLDEN[f"{name}.decoded_sub4"], passed_on)
    rounded = rearrange((result.clamp(0, 1) * 255).byte(), "1 c h w -> h w c")
    assert list(rounded.shape[:2]) == case["out_hw"]
    difference = (rounded[::4, ::4].int() - GOLDEN[f"{name}.out"].int()).abs()
    # Values near a whole number fall to either side, because they are cut off, not rounded.
    assert difference.max() <= 1
    assert (difference != 0).float().mean() <= 1e-3
