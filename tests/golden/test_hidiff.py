"""HI-Diff computes what the published code computes.

Tolerances: float32 sums in another order differ by about 1e-6 of the largest term. The GoPro
system recovers x_0 as a difference of terms near 174 times larger, hence 2e-4 for its prior, and
5e-5 for the picture that a prior with that error leads to. In float64 only the schedule's
constants, rounded to float32 in both, are left.
"""

import numpy as np
import pytest
import torch
from einops import rearrange
from golden.vectors import SYSTEMS, Golden, System, assert_near, manifest, record
from torch import Tensor

from pixelmend_engine.catalog.hidiff import GOPRO, REALBLUR, HIDiffConfig
from pixelmend_engine.inference import tiling
from pixelmend_engine.models.hidiff import HIDiff

COND, PRIOR, OUTPUT, FLOAT64 = 1e-5, 2e-4, 5e-5, 1e-10


@pytest.fixture(scope="module", params=SYSTEMS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


@pytest.fixture
def run(golden: Golden) -> dict[str, list[Tensor]]:
    """Runs case `a` and keeps what every module put out, and what the denoiser was given."""
    networks = golden.networks()
    activations = record(networks)
    prior = networks.diffuse_prior(golden["a/lq"], golden["a/x_T"])
    output = networks.net_g(golden["a/lq"], prior)
    return {**activations, "prior": [prior], "output": [output]}


def test_names_and_shapes_are_those_of_the_published_checkpoints() -> None:
    for system, config in (("gopro", GOPRO), ("realblur", REALBLUR)):
        with torch.device("meta"):
            networks = HIDiff(config, teacher=True)
        for name in ("net_g", "net_le", "net_le_dm", "net_d"):
            state = networks.get_submodule(name).state_dict()
            shapes = {key: list(tensor.shape) for key, tensor in state.items()}
            assert shapes == manifest(f"hi-diff-{system}-{name}")


@pytest.mark.parametrize(("config", "parameters"), [(GOPRO, 28_486_900), (REALBLUR, 24_182_959)])
def test_parameters_add_up_to_the_published_count(config: HIDiffConfig, parameters: int) -> None:
    with torch.device("meta"):
        networks = HIDiff(config, teacher=False)
    assert sum(p.numel() for p in networks.parameters()) == parameters


def test_condition_and_its_intermediates(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    assert_near(run["net_le_dm"][0], golden["a/cond"], COND)
    last_conv = "conv2" if golden.config.encoder == "gelu" else "conv2.5"
    for ours, theirs in (("conv1", "conv1"), (last_conv, "conv2"), ("mlp", "mlp")):
        assert_near(run[f"net_le_dm.{ours}"][0], golden[f"a/le_dm.{theirs}"], COND)
    pooled = rearrange(golden["a/le_dm.pool"], "b c h w -> b (h w) c")
    assert_near(run["net_le_dm.mlp:in"][0], pooled, COND)


def test_every_step_of_the_reverse_chain(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    assert_near(torch.stack(run["net_d:in"]), golden["a/x_t"], PRIOR)
    assert_near(torch.stack(run["net_d"]), golden["a/denoiser_out"], PRIOR)
    assert_near(run["prior"][0], golden["a/prior"], PRIOR)


def test_clamped_x0_of_every_step() -> None:
    golden = Golden("gopro")
    networks = golden.networks()
    last = golden.config.steps - 1
    for step, x_t in enumerate(golden["a/x_t"]):
        x_0 = networks.predict_x0(golden["a/cond"], x_t, last - step)
        assert_near(x_0, golden["a/x0_clipped"][step], PRIOR)


def test_every_level_of_the_transformer(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    renamed = {"prior_2": "down_1", "prior_3": "down_2", "output_conv": "output"}
    elsewhere = {"output", "lq", "gt", "x_T", "x_t", "x0_clipped", "denoiser_out", "prior", "cond"}
    names = [name.removeprefix("a/") for name in golden.tensors if name.startswith("a/")]
    names = [name for name in names if name not in elsewhere and not name.startswith("le_dm.")]
    assert len(names) == 23  # prior, embedding, levels with HIM, two blocks, output
    for name in names:
        expected = golden[f"a/{name}"]
        # Features are up to 40 times larger than a picture, and so are their rounding errors.
        tolerance = OUTPUT * max(1.0, expected.abs().max().item())
        assert_near(run[f"net_g.{renamed.get(name, name)}"][0], expected, tolerance)


def test_restored_picture(golden: Golden, run: dict[str, list[Tensor]]) -> None:
    assert_near(run["output"][0], golden["a/output"], OUTPUT)


def test_float64_run(golden: Golden) -> None:
    networks = golden.networks().double()
    lq = golden["a/lq"].double()
    prior = networks.diffuse_prior(lq, golden["a/x_T"].double())
    assert_near(prior, golden["a64/prior"], FLOAT64)
    assert_near(networks.net_g(lq, prior), golden["a64/output"], FLOAT64)


def test_path_of_an_8_bit_picture(golden: Golden) -> None:
    networks = golden.networks()
    picture = golden["b/input_u8"].numpy()
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    padded = tiling.pad(image, 8, "reflect")
    assert_near(padded, golden["b/padded_lq"], 0)
    assert_near(networks.net_le_dm(padded), golden["b/cond"], COND)
    prior = networks.diffuse_prior(padded, golden["b/x_T"])
    assert_near(prior, golden["b/prior"], PRIOR)
    output = networks.net_g(padded, prior)[..., : picture.shape[0], : picture.shape[1]]
    assert_near(output, golden["b/output"], OUTPUT)
    levels = (output[0].clamp(0, 1) * 255).round().permute(1, 2, 0)
    difference = np.abs(levels.numpy().astype(int) - golden["b/output_u8"].numpy())
    # An error of 5e-5 is a hundredth of a level: it tips a rounding at most once in a thousand.
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 1e-3


def test_stage_1_with_the_sharp_picture_known(golden: Golden) -> None:
    networks = golden.networks()
    prior = networks.teacher_prior(golden["a/lq"], golden["a/gt"])
    assert_near(prior, golden["s1/prior"], COND)
    assert_near(networks.net_g(golden["a/lq"], prior), golden["s1/output"], OUTPUT)


def test_systems_differ() -> None:
    """Guards the fixtures: two names for one system would prove half of what they say."""
    systems: list[System] = list(SYSTEMS)
    assert len({Golden(system).config for system in systems}) == 2
