"""Samplers draw what the published ones draw, from the same noise.

Tolerance: constants that the published code rounds to float32 at other places, over up to fifty
steps; relative to the largest value of the result, as stated beside the golden vectors.
"""

import math
from typing import Any

import pytest
import torch
from golden.recipe import Golden
from golden.vectors import assert_near
from torch import Tensor

from pixelmend_engine.diffusion.ddpm import ddim_timesteps, spaced_timesteps
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.dpm_solver import ContinuousSchedule
from pixelmend_engine.diffusion.k_samplers import sigma_grid
from pixelmend_engine.diffusion.noise import SeededNoise
from pixelmend_engine.diffusion.registry import SAMPLERS
from pixelmend_engine.diffusion.sampler import SamplerOptions
from pixelmend_engine.diffusion.schedule import Schedule
from pixelmend_engine.nn import gaussian_blending

TOLERANCE = 2e-4
AMPLIFYING = ("edm_heun", "edm_dpm_2", "edm_dpm_2_a")
GOLDEN = Golden("samplers")
CASES: list[dict[str, Any]] = GOLDEN.facts["cases"]
STANDARD = Schedule.linear_sqrt(0.00085, 0.012, 1000)
SCHEDULES = {"eps": STANDARD, "v": STANDARD.with_zero_terminal_snr()}


class Bank:
    """Draws from a list, in order."""

    def __init__(self, bank: Tensor) -> None:
        self.bank = bank
        self.drawn = 0

    def draw(self, like: Tensor) -> Tensor:
        self.drawn += 1
        return self.bank[self.drawn - 1 : self.drawn]

    def brownian(self, like: Tensor, sigma: float, sigma_next: float) -> Tensor:
        return self.draw(like)


class Analytic:
    """A denoiser that is a formula, as the golden vectors were made with."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.tiling = case["name"].split(".")[0]
        prefix = "tiled." if "tiled" in self.tiling else ""
        self.condition = GOLDEN[f"{prefix}c_img"]
        self.start = GOLDEN[f"{prefix}x_T"]
        self.noise = Bank(GOLDEN[f"{prefix}noise_bank"])
        self.epsilon = case["parameterization"] == "eps"
        self.calls: list[tuple[float, Tensor]] = []
        self.predictions = 0  # of cond and of uncond

    def predict(self, x: Tensor, t: float, both: bool) -> tuple[Tensor, Tensor]:
        self.calls.append((t, x))
        self.predictions += 2 if both else 1
        if self.tiling == "tiled":
            tile = GOLDEN.facts["tile"]
            cond, uncond = (
                gaussian_blending.fused(
                    lambda part, top, left, text=text: self.output(
                        part, t, text, self.condition[..., top : top + 8, left : left + 8]
                    ),
                    x,
                    tile["tile_size"],
                    tile["tile_stride"],
                )
                for text in ("c_txt_cond", "c_txt_uncond")
            )
            return cond, uncond
        cond = self.output(x, t, "c_txt_cond", self.condition)
        return cond, self.output(x, t, "c_txt_uncond", self.condition) if both else cond

    def output(self, x: Tensor, t: float, text: str, condition: Tensor) -> Tensor:
        angle = math.pi / 2 * (t + 1) / 1001
        a, b = math.cos(angle), math.sin(angle)
        mu = condition.tanh() + GOLDEN[text].mean()
        if "tiled" in self.tiling:
            mu = mu + 0.2 * condition.mean((2, 3), keepdim=True)
        denominator = 0.25 * a**2 + b**2
        epsilon = b * (x - a * mu) / denominator
        if self.epsilon:
            return epsilon
        return a * epsilon - b * (b**2 * mu + 0.25 * a * x) / denominator


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_latents(case: dict[str, Any]) -> None:
    model = Analytic(case)
    denoiser = Denoiser(
        predict=model.predict,
        schedule=SCHEDULES[case["parameterization"]],
        prediction="epsilon" if model.epsilon else "v",
        cfg_scale=case["cfg_scale"],
        rising_cfg=case["rescale_cfg"],
    )
    options = SamplerOptions(
        eta=case.get("eta", 1.0),
        order=case.get("order", 1),
        s_churn=case.get("s_churn", 0.0),
        s_tmin=case.get("s_tmin", 0.0),
        s_tmax=case.get("s_tmax", 300.0),
        s_noise=case.get("s_noise", 1.0),
    )
    sampler = SAMPLERS[case["sampler"]]

    output = sampler.sample(denoiser, model.start, case["steps"], model.noise, options)
    name, size = case["name"], case["out_absmax"]
    assert model.noise.drawn == case["noise_draws"]
    assert len(model.calls) == sampler.evaluations(case["steps"])
    if not name.startswith("tiled"):  # there, each tile is asked for
        assert model.predictions == case["model_calls"] * case["batch_of_calls"]
    if f"{name}.calls_x" in GOLDEN.tensors:
        _same_calls(model.calls, case, GOLDEN[f"{name}.calls_x"], size)
    # From sigma 10 000, where an epsilon-model's first guess is worthless, these amplify what was
    # rounded.
    amplified = 2 if model.epsilon and case["sampler"] in AMPLIFYING else 1
    assert_near(output, GOLDEN[f"{name}.out"], amplified * TOLERANCE * size)


def _same_calls(
    calls: list[tuple[float, Tensor]], case: dict[str, Any], expected: Tensor, size: float
) -> None:
    times = [t[0] for t in case["t"]]
    if case["batch_of_calls"] == 1 and case["cfg_scale"] != 1:
        # There, cond and uncond are asked in turn: but cond alone where guidance begins to rise.
        alone = 1 if case["rescale_cfg"] else 0
        times = [*times[:alone], *times[alone::2]]
        expected = torch.cat([expected[:alone], expected[alone::2]])
    assert [t for t, _ in calls] == pytest.approx(times, abs=1e-3)
    for (_, ours), theirs in zip(calls, expected, strict=True):
        assert_near(
            ours[0, ..., ::4, ::4], theirs, TOLERANCE * max(size, float(theirs.abs().max()))
        )


def test_timesteps_are_rounded_as_published() -> None:
    for steps, expected in GOLDEN.facts["space_timesteps"].items():
        if int(steps) > 1:
            assert spaced_timesteps(int(steps), 1000) == expected


@pytest.mark.parametrize("name", ["eps", "v"])
def test_continuous_time(name: str) -> None:
    facts = GOLDEN.facts["dpm_solver_grid"][name]
    schedule = ContinuousSchedule.from_discrete(SCHEDULES[name])
    assert schedule.entries == facts["total_N"]
    times = schedule.times(10)
    assert times == pytest.approx(facts["t_grid_10"], abs=1e-6)
    logs = [schedule.log_alpha(t) for t in times]
    assert logs == pytest.approx(facts["log_alpha_10"], abs=1e-5)


def test_rising_guidance() -> None:
    for base, values in GOLDEN.facts["cfg_rescale_values"].items():
        denoiser = Denoiser(
            predict=lambda x, t, both: (x, x),
            schedule=STANDARD,
            prediction="epsilon",
            cfg_scale=float(base),
            rising_cfg=float(base) > 1,
        )
        for t, expected in values.items():
            assert denoiser.cfg_scale_at(float(t)) == pytest.approx(expected, abs=1e-12)


def test_windows_and_weights() -> None:
    for name, expected in GOLDEN.facts["sliding_windows"].items():
        size, _, tile, _, stride = name.split()
        height, width = map(int, size.split("x"))
        rows = gaussian_blending.starts(height, int(tile), int(stride))
        columns = gaussian_blending.starts(width, int(tile), int(stride))
        windows = [[y, y + int(tile), x, x + int(tile)] for y in rows for x in columns]
        assert windows == expected
    for side in (8, 9, 32, 64):
        assert_near(gaussian_blending.weights(side, side), GOLDEN[f"gaussian_weights.{side}"], 1e-5)


def test_sigmas_start_where_the_published_ones_start() -> None:
    for case in CASES:
        if "sigmas" in case:
            sigmas, timesteps = sigma_grid(SCHEDULES[case["parameterization"]], case["steps"])
            assert sigmas == pytest.approx(case["sigmas"], rel=1e-5)
            assert timesteps == case["sigma_timesteps"]


def test_increments_that_overlap_share_their_noise() -> None:
    noise, like = SeededNoise(3), torch.zeros(1, 4, 64, 64)
    first = noise.brownian(like, 4.0, 2.0)
    both = noise.brownian(like, 4.0, 1.0)
    # Of a Brownian path: the covariance of increments is the length of what they share.
    shared = float((first * both).mean()) * math.sqrt(2.0) * math.sqrt(3.0)
    assert shared == pytest.approx(2.0, abs=0.1)
    assert float(both.std()) == pytest.approx(1.0, abs=0.05)


def test_the_same_seed_gives_the_same_bits() -> None:
    case = next(case for case in CASES if case["name"] == "v.edm_dpm++_sde.s10")
    model = Analytic(case)
    denoiser = Denoiser(
        predict=model.predict, schedule=SCHEDULES["v"], prediction="v", cfg_scale=4.0
    )
    sample = SAMPLERS["edm_dpm++_sde"].sample
    first, again, other = (
        sample(denoiser, model.start, 4, SeededNoise(seed), SamplerOptions()) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_each_seed_of_a_batch_draws_what_it_draws_alone() -> None:
    like = torch.zeros(2, 4, 8, 8)
    both, one, other = SeededNoise(3, 7), SeededNoise(3), SeededNoise(7)
    for sigma_next in (2.0, 1.0):  # the second increment shares its beginning with the first
        torch.testing.assert_close(
            both.brownian(like, 4.0, sigma_next),
            torch.cat([each.brownian(like[:1], 4.0, sigma_next) for each in (one, other)]),
            atol=0,
            rtol=0,
        )
    alone = torch.cat([each.draw(like[:1]) for each in (one, other)])
    assert torch.equal(both.draw(like), alone)


@pytest.mark.parametrize("name", SAMPLERS)
def test_each_latent_of_a_batch_is_drawn_as_if_it_were_alone(name: str) -> None:
    def predict(x: Tensor, t: float, both: bool) -> tuple[Tensor, Tensor]:
        return 0.9 * x.sin(), 0.8 * x.cos()

    denoiser = Denoiser(predict=predict, schedule=SCHEDULES["v"], prediction="v", cfg_scale=2.0)
    start = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    sample, options = SAMPLERS[name].sample, SamplerOptions(s_churn=5.0)
    together = sample(denoiser, start, 4, SeededNoise(3, 7), options)
    for number, seed in enumerate((3, 7)):
        alone = sample(denoiser, start[number : number + 1], 4, SeededNoise(seed), options)
        torch.testing.assert_close(together[number : number + 1], alone, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 27, 50, 111, 333, 501, 999])
def test_ddim_stays_within_the_schedule(steps: int) -> None:
    timesteps = ddim_timesteps(steps, STANDARD.steps)
    assert len(timesteps) >= steps
    assert timesteps[0] == 1
    assert timesteps[-1] < STANDARD.steps
