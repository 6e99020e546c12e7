"""DiffIR computes what the published code computes.

Tolerances: float32 sums in another order differ by about 1e-6 of the largest term; what runs
through the whole chain or the whole transformer adds up to a few times that. In float64 only the
schedule's constants, rounded to float32 in both, are left.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from einops import rearrange
from golden.vectors import assert_near, manifest, record
from torch import Tensor

from pixelmend_engine.catalog import diffir as catalog
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.inference import tiling
from pixelmend_engine.models.diffir import DiffIR, StageOne, convert
from pixelmend_engine.weights.checkpoints import reading

HERE = Path(__file__).parent
PRIOR, OUTPUT, FLOAT64 = 1e-5, 5e-5, 1e-10
SYSTEMS = ["deblur", "sr-x4", "sr-x2", "sr-x1", "inpainting"]
PUBLISHED = {
    "deblur": catalog.DEBLUR,
    "realsr-x4": catalog.X4,
    "realsr-x2": catalog.X2,
    "realsr-x1": catalog.X1,
    "inpainting": catalog.INPAINT,
    "inpainting-big": catalog.INPAINT_BIG,
}
PARAMETERS = {  # of stage 2 and stage 1, as counted in the published networks
    "deblur": (26_911_934, 26_742_206),
    "realsr-x4": (24_971_206, 24_801_478),
    "realsr-x2": (24_981_574, 24_811_846),
    "realsr-x1": (25_023_046, 24_853_318),
    "inpainting": (26_402_474, 26_232_746),
    "inpainting-big": (49_482_922, 49_313_194),
}


class Golden:
    """One tiny system with random weights, and all that the published code computed with it."""

    def __init__(self, system: str) -> None:
        stem = HERE / f"diffir-{system}-tiny"
        described = json.loads(stem.with_suffix(".json").read_text())
        self.tensors = reading.read(stem.with_suffix(".safetensors"))
        self.config = _config(system, described["networks"]["s2"], described["scale"])
        self.multiple = described["pad_multiple"]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def state(self, stage: str) -> dict[str, Tensor]:
        """Returns the tensors of the networks of a stage."""
        prefix = f"state/{stage}/"
        return {k.removeprefix(prefix): t for k, t in self.tensors.items() if k.startswith(prefix)}

    def networks(self) -> DiffIR:
        """Builds the system of stage 2 and fills it, strictly."""
        networks = DiffIR(self.config)
        for name, state in convert({"a file": self.state("s2")}).items():
            networks.get_submodule(name).load_state_dict(state, strict=True)
        return networks.eval().requires_grad_(requires_grad=False)


def _config(system: str, network: dict[str, Any], scale: Any) -> DiffIRConfig:
    tail = {"deblur": "residual", "inpainting": "plain"}.get(system, "upscale")
    return DiffIRConfig(
        dim=network["dim"],
        blocks=tuple(network["num_blocks"]),
        refinement_blocks=network["num_refinement_blocks"],
        heads=tuple(network["heads"]),
        ffn_expansion=float(network["ffn_expansion_factor"]),
        norm="centered" if network["LayerNorm_type"] == "WithBias" else "uncentered",
        tail=tail,  # pyright: ignore[reportArgumentType] - one of the three
        inputs=network["inp_channels"],
        scale=scale,
        encoder_blocks=network["n_encoder_res"],
        features=network["n_feats"],
        denoiser_layers=network["n_denoise_res"],
        beta_start=network["linear_start"],
        beta_end=network["linear_end"],
        steps=network["timesteps"],
    )


@pytest.fixture(scope="module", params=SYSTEMS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


@pytest.fixture
def run(golden: Golden) -> dict[str, list[Tensor]]:
    """Runs case `a` and keeps what every module put out, and what it was given first."""
    networks = golden.networks()
    activations = record(networks)
    prior = networks.diffuse_prior(golden["a/input"], golden["a/x_T"])
    output = networks.G(golden["a/input"], prior)
    return {**activations, "prior": [prior], "output": [output]}


@pytest.mark.parametrize("system", PUBLISHED)
def test_names_and_shapes_are_those_of_the_published_checkpoints(system: str) -> None:
    config = PUBLISHED[system]
    with torch.device("meta"):
        stages = {"s1": StageOne(config), "s2": DiffIR(config)}
    counts: list[int] = []
    for stage, networks in stages.items():
        shapes = {key: list(tensor.shape) for key, tensor in networks.state_dict().items()}
        published = {
            key: shape
            for key, shape in manifest(f"diffir-{system}-{stage}").items()
            if not key.startswith("diffusion.")
        }
        assert shapes == published
        counts.append(sum(parameter.numel() for parameter in networks.parameters()))
    assert (counts[1], counts[0]) == PARAMETERS[system]


def test_condition_and_its_intermediates(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    for name in ("condition.E.1", "condition.E.2"):
        assert_near(run[name][0], golden[f"a/{name}"], PRIOR)
    pooled = rearrange(golden["a/condition.E"], "b d 1 1 -> b d")
    assert_near(run["condition.mlp:in"][0], pooled, PRIOR)
    assert_near(run["condition"][0], golden["a/cond"], PRIOR)


def test_every_step_of_the_reverse_chain(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    for ours, theirs in (("denoise:in", "x_t"), ("denoise", "denoiser_out")):
        steps = rearrange(torch.stack(run[ours]), "t b 1 d -> t b d")
        assert_near(steps, golden[f"a/{theirs}"], PRIOR)
    assert_near(run["prior"][0], golden["a/prior"], PRIOR)


def test_every_level_of_the_transformer(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    last = {"upscale": ("tail", "tail")}.get(golden.config.tail, ("output", "output_conv"))
    levels = [name for name in golden.tensors if name.startswith(("a/encoder", "a/decoder"))]
    names = [(name[2:], name[2:]) for name in levels]
    names += [("patch_embed", "patch_embed"), ("latent", "latent"), last]
    if golden.config.refinement_blocks:
        names.append(("refinement", "refinement"))
    assert len(names) >= 10
    for ours, theirs in names:
        expected = golden[f"a/{theirs}"]
        # Uncentered norms let features grow; rounding grows with them.
        assert_near(run[f"G.{ours}"][0], expected, OUTPUT * max(1.0, float(expected.abs().max())))
    assert_near(run["output"][0], golden["a/output"], OUTPUT)


def test_float64_leaves_nothing_to_rounding(golden: Golden) -> None:
    networks = golden.networks().double()
    prior = networks.diffuse_prior(golden["a/input"].double(), golden["a/x_T"].double())
    assert_near(prior, golden["a64/prior"], FLOAT64)
    output = networks.G(golden["a/input"].double(), prior)
    assert_near(output, golden["a64/output"], FLOAT64)


@pytest.mark.parametrize("golden", [s for s in SYSTEMS if s != "inpainting"], indirect=True)
def test_padded_path_from_8_bits(golden: Golden) -> None:
    networks = golden.networks()
    pixels = rearrange(golden["b/input_u8"], "h w c -> 1 c h w").float() / 255
    padded = tiling.pad(pixels, golden.multiple, "reflect")
    assert_near(padded, golden["b/net_input"], 0)
    prior = networks.diffuse_prior(padded, golden["b/x_T"])
    assert_near(prior, golden["b/prior"], PRIOR)
    scale = golden.config.scale
    height, width = pixels.shape[-2] * scale, pixels.shape[-1] * scale
    output = networks.G(padded, prior)[..., :height, :width]
    assert_near(output, golden["b/output"], OUTPUT)
    rounded = (output.clamp(0, 1) * 255).round().byte()
    difference = rearrange(rounded, "1 c h w -> h w c").int() - golden["b/output_u8"].int()
    # Values near a half fall to either side.
    assert difference.abs().max() <= 1
    assert (difference != 0).float().mean() <= 1e-3


@pytest.mark.parametrize("golden", ["inpainting"], indirect=True)
def test_padded_path_of_a_picture_with_holes(golden: Golden) -> None:
    networks = golden.networks()
    pixels = rearrange(golden["b/input_u8"], "h w c -> 1 c h w").float() / 255
    holes = (rearrange(golden["b/mask_u8"], "h w -> 1 1 h w") > 0).float()
    network_input = tiling.pad(
        torch.cat([pixels * (1 - holes), holes], dim=1), golden.multiple, "symmetric"
    )
    assert_near(network_input, golden["b/net_input"], 0)
    prior = networks.diffuse_prior(network_input, golden["b/x_T"])
    assert_near(prior, golden["b/prior"], PRIOR)
    predicted = networks.G(network_input, prior)
    assert_near(predicted, golden["b/predicted"], OUTPUT)
    height, width = pixels.shape[-2:]
    output = holes * predicted[..., :height, :width] + (1 - holes) * pixels
    assert_near(output, golden["b/output"], OUTPUT)
    cut_off = rearrange((output * 255).clamp(0, 255).byte(), "1 c h w -> h w c")
    difference = cut_off.int() - golden["b/output_u8"].int()
    assert difference.abs().max() <= 1  # values near a whole number fall to either side
    filled = golden["b/mask_u8"] > 0
    assert (difference[filled] != 0).float().mean() <= 1e-3


def test_stage_1_is_the_published_one(golden: Golden) -> None:
    networks = StageOne(golden.config)
    networks.load_state_dict(golden.state("s1"), strict=True)
    with torch.no_grad():
        output, prior = networks(golden["a/input"], golden["a/gt"])
    assert_near(prior, golden["s1/ipr"], PRIOR)
    assert_near(output, golden["s1/output"], OUTPUT)
