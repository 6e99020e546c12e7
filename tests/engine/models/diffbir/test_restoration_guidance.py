"""Restoration guidance brings results nearer to the restored picture, whole and in tiles.

What it computes is compared with the published code in `tests/golden`; here, that the pipeline asks
it for the right picture, and takes what it answers.
"""

from collections.abc import Generator
from contextlib import contextmanager

import pytest
import torch
from small_diffbir import picture, pipeline, tiny
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.catalog.diffbir import V2_1
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.diffusion.noise import SeededNoise
from pixelmend_engine.models.diffbir.memory_plan import Plan
from pixelmend_engine.models.diffbir.model import DiffBIRPipeline
from pixelmend_engine.models.diffbir.restoration_guidance import smooth_weights, weighted_error
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn import gaussian_blending
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.nn.swinir import SwinIR

FIDELITY, STEPS = 0.03, 2
STRENGTH = 3000 * FIDELITY  # published
LATENT_SCALE = 0.18215  # published
TILE = 64  # pixels; a plan has none below 512, which takes long here
Shape = tuple[int, int, int | None, int | None]  # height, width; tiles that encode, that diffuse
SHAPES: dict[str, Shape] = {
    "whole": (64, 128, None, None),
    "in tiles": (80, 96, None, TILE),
    "with a wider picture": (64, 96, None, None),  # the sides of a whole one are multiples of 64
    # Here, only those of the latent are, of 8 places.
    "with a wider latent": (64, 96, 2 * TILE, None),
}


class Untouched(SwinIR):
    """Removes nothing, so that the target of guidance is the picture itself."""

    def forward(self, image: Tensor) -> Tensor:
        return image


@pytest.fixture(scope="module")
def model() -> DiffBIRPipeline:
    model = pipeline(V2_1, "swinir")
    model.networks.add_module("swinir", Untouched(tiny(V2_1).swinir))
    return model


def run(
    model: DiffBIRPipeline, shape: Shape, fidelity: float, *, activations_on_host: bool = False
) -> Tensor:
    settings = DiffBIRSettings(
        prompt="a photo",
        negative_prompt="",
        sampler="spaced",
        steps=STEPS,
        cfg_scale=1.0,
        fidelity=fidelity,
        color_fix="none",
    )
    height, width, encode, diffuse = shape
    plan = Plan(
        remove_degradation=None,
        encode=encode,
        diffuse=diffuse,
        decode=None,
        activations_on_host=activations_on_host,
        needed_bytes={},
    )
    return model.run(
        picture(height, width),
        (height, width),
        "swinir",
        settings,
        SeededNoise(0),
        plan,
        Progress(),
    )


@pytest.mark.parametrize("shape", ["whole", "in tiles"])
def test_the_result_is_nearer_to_the_picture(model: DiffBIRPipeline, shape: str) -> None:
    image = picture(*SHAPES[shape][:2])
    weights = smooth_weights(2 * image - 1)
    free, guided = (
        float(weighted_error(2 * run(model, SHAPES[shape], fidelity) - 1, 2 * image - 1, weights))
        for fidelity in (0.0, FIDELITY)
    )
    # 0.78 of it was measured, 0.83 in tiles; pulled elsewhere, it comes no nearer.
    assert guided < 0.85 * free


@pytest.mark.parametrize("shape", SHAPES)
def test_the_last_step_goes_down_the_gradient_of_the_error(
    model: DiffBIRPipeline, shape: str
) -> None:
    height, width, _, tile = SHAPES[shape]
    with recorded(model) as latents:
        run(model, SHAPES[shape], FIDELITY)
    result = latents.pop()  # which is decoded last
    side = max(result.shape[-2:]) if tile is None else tile // 8
    places = [
        (top, left)
        for top in gaussian_blending.starts(result.shape[-2], side, side // 2)
        for left in gaussian_blending.starts(result.shape[-1], side, side // 2)
    ]
    assert len(places) == (1 if tile is None else 4)
    assert len(latents) == STEPS * len(places)
    # Beside the picture there is black.
    target = functional.pad(2 * picture(height, width) - 1, (0, 64, 0, 64), value=-1.0)
    steps = {
        place: stepped(model, estimate, target, *place)
        for place, estimate in zip(places, latents[-len(places) :], strict=True)
    }
    if tile is None:
        expected = steps[0, 0][..., : result.shape[-2], : result.shape[-1]]
    else:
        expected = gaussian_blending.fused(
            lambda _, top, left: steps[top, left], result, side, side // 2
        )
    # float32, of latents of order 1; the step itself is ten thousand times as large.
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


@contextmanager
def recorded(model: DiffBIRPipeline) -> Generator[list[Tensor]]:
    """Keeps the latents that are decoded: the estimates, for their errors, and the result."""
    latents: list[Tensor] = []
    hook = model.networks.autoencoder.post_quant_conv.register_forward_hook(
        lambda _, inputs, __: latents.append(inputs[0].detach() * LATENT_SCALE)
    )
    yield latents
    hook.remove()


def stepped(
    model: DiffBIRPipeline, estimate: Tensor, target: Tensor, top: int, left: int
) -> Tensor:
    """Takes the step that is to be taken from an estimate, by what of the target it shows."""
    height, width = (8 * length for length in estimate.shape[-2:])
    shown_target = target[..., 8 * top : 8 * top + height, 8 * left : 8 * left + width]
    estimate = estimate.clone().requires_grad_()
    picture = model.networks.autoencoder.decode(estimate / LATENT_SCALE)
    error = (smooth_weights(shown_target) * (picture - shown_target) ** 2).mean()
    (gradient,) = torch.autograd.grad(error, estimate)
    return estimate.detach() - STRENGTH * gradient


def test_what_waits_in_the_computers_memory_changes_nothing(model: DiffBIRPipeline) -> None:
    on_device, on_host = (
        run(model, SHAPES["in tiles"], FIDELITY, activations_on_host=activations_on_host)
        for activations_on_host in (False, True)
    )
    assert torch.equal(on_device, on_host)


def test_it_says_how(model: DiffBIRPipeline) -> None:
    notes: list[str] = []
    image = picture(64, 96)
    options = {"steps": STEPS, "prompt": "a photo", "fidelity": FIDELITY}
    model.prepare(
        image, ModelRequest(task="restore", options=options, add_note=notes.append), Progress()
    )
    assert notes == ["fidelity takes the sampler spaced with 2 steps"]
