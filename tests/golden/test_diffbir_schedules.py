"""DiffBIR's schedules hold the published numbers, and noise is put in and taken out by them.

Tolerance: products are taken in another order (the last places of float64), and the published code
rounds weights to float32.
"""

import numpy as np
import pytest
import torch
from fakes import CPU
from golden import recipe
from golden.recipe import Golden
from golden.vectors import assert_near
from torch import Tensor

from pixelmend_engine.catalog.diffbir import V2, V2_1
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.models.diffbir.model import DiffBIR, DiffBIRPipeline

TOLERANCE = 5e-6  # of latents with a deviation of 1
GOLDEN = Golden("samplers")
SYSTEMS = {"eps": V2, "v": V2_1}
TIMES = (999, 200)  # of the two latents that were noised


@pytest.fixture(scope="module", params=["eps", "v"])
def system(request: pytest.FixtureRequest) -> tuple[str, DiffBIRPipeline]:
    networks = DiffBIR(recipe.tiny(SYSTEMS[request.param]), frozenset({"swinir"}))
    return request.param, DiffBIRPipeline(networks, CPU, torch.float32)


def test_schedules(system: tuple[str, DiffBIRPipeline]) -> None:
    name, schedule = system[0], system[1].schedule
    for ours, theirs in ((schedule.betas, "betas"), (schedule.alpha_bar, "alphas_cumprod")):
        expected = GOLDEN[f"schedule.{name}.{theirs}"].double().numpy()
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)
    for ours, theirs in (
        (schedule.sqrt_alpha_bar, "sqrt_alphas_cumprod_f32"),
        (schedule.sqrt_one_minus_alpha_bar, "sqrt_one_minus_alphas_cumprod_f32"),
    ):
        expected = GOLDEN[f"schedule.{name}.{theirs}"].double().numpy()
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)


def test_latents_are_noised(system: tuple[str, DiffBIRPipeline]) -> None:
    name, pipeline = system
    for number, t in enumerate(TIMES):
        x0, noise, noised = _latents(number, "x0", "noise", f"{name}.t999_t200")
        computed = pipeline._q_sample(x0, noise, t)  # pyright: ignore[reportPrivateUsage] - else only the whole of it
        assert_near(computed, noised, TOLERANCE)


def test_noised_latents_are_freed_from_their_noise(system: tuple[str, DiffBIRPipeline]) -> None:
    name, pipeline = system
    schedule, prediction = pipeline.schedule, pipeline.config.prediction
    output = "noise" if prediction == "epsilon" else "v.velocity_target"
    for number, t in enumerate(TIMES):
        x0, noise, noised, predicted = _latents(number, "x0", "noise", f"{name}.t999_t200", output)
        denoiser = Denoiser(
            predict=lambda x, t, both, predicted=predicted: (predicted, predicted),
            schedule=schedule,
            prediction=prediction,
            cfg_scale=1.0,
        )
        alpha = float(schedule.sqrt_alpha_bar[t])
        sigma = float(schedule.sqrt_one_minus_alpha_bar[t])
        assert_near(denoiser.epsilon(noised, float(t), alpha, sigma), noise, TOLERANCE)
        if alpha > 0:  # else it is noise alone
            # What was rounded of the noise is so much larger in what is left without it.
            computed = denoiser.x0(noised / alpha, t, sigma / alpha)
            assert_near(computed, x0, TOLERANCE / alpha)


def _latents(number: int, *names: str) -> list[Tensor]:
    """One of the latents that were noised, and what belongs to it."""
    return [GOLDEN[f"q_sample.{name}"][number : number + 1] for name in names]
