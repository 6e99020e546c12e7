"""Pictures that go through DiffBIR together come out as they would alone.

Tolerance: torch sums in another order where there are more pictures, which every network and step
of a sampler passes on: 8e-6 of [0, 1] at most were measured. Other draws change a thousand times
more.
"""

import dataclasses

import pytest
import torch
from fakes import CPU
from golden import recipe
from torch import Tensor

from pixelmend.errors import Canceled
from pixelmend_engine.catalog.diffbir import V1_FACE, V2_1, DiffBIRConfig
from pixelmend_engine.models.diffbir.memory_plan import MAX_BATCH_SIZE
from pixelmend_engine.models.diffbir.model import DiffBIR, DiffBIRPipeline
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import STEPS as PROGRESS_STEPS
from pixelmend_engine.nn.progress import Progress

SEEDS = (5, 9)
FACES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
STEPS = 2
QUICK = {"steps": STEPS, "cfg_scale": 2.0}
TOLERANCE = 5e-5  # a hundredth of a level of 8 bits, about
GUIDED = {"sampler": "spaced", "fidelity": 1e-2}


def pipeline(published: DiffBIRConfig, dtype: torch.dtype = torch.float32) -> DiffBIRPipeline:
    """A small system with random weights."""
    torch.manual_seed(0)
    config = dataclasses.replace(recipe.tiny(published), min_side=64)
    return DiffBIRPipeline(DiffBIR(config, frozenset({"swinir_face"})), CPU, dtype)


@pytest.fixture(scope="module")
def v2_1() -> DiffBIRPipeline:
    return pipeline(V2_1)


@pytest.fixture(scope="module")
def v1_face() -> DiffBIRPipeline:
    return pipeline(V1_FACE)


def run(model: DiffBIRPipeline, faces: Tensor, seeds: tuple[int, ...], **options: object) -> Tensor:
    request = ModelRequest(seeds=seeds, task="face", options=QUICK | options)
    return model.prepare(faces, request, Progress())(faces, Progress())


def assert_as_alone(model: DiffBIRPipeline, **options: object) -> None:
    """Restores both faces together, and each of them alone."""
    together = run(model, FACES, SEEDS, **options)
    assert together.isfinite().all()
    for number, seed in enumerate(SEEDS):
        alone = run(model, FACES[number : number + 1], (seed,), **options)
        torch.testing.assert_close(together[number : number + 1], alone, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(  # all of them: tests/golden/test_diffbir_samplers.py
    "sampler", ["spaced", "dpm++_m2", "edm_euler_a", "edm_dpm++_sde", "edm_dpm++_3m_sde"]
)
def test_each_face_is_sampled_as_if_it_were_alone(v1_face: DiffBIRPipeline, sampler: str) -> None:
    assert_as_alone(v1_face, sampler=sampler)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sampler": "spaced"},
        GUIDED,
        {"color_fix": "adain"},
        {"color_fix": "none"},
        {"noise_aug": 100},
        {"start_point": "cond"},
        {"cfg_scale": 1.0},
        {"rising_cfg": True},
    ],
    ids=lambda options: "-".join(options) or "defaults",
)
def test_every_option_means_for_each_face_what_it_means_alone(
    v2_1: DiffBIRPipeline, options: dict[str, object]
) -> None:
    assert_as_alone(v2_1, **options)


@pytest.mark.parametrize(
    "options", [{}, {"color_fix": "adain"}, GUIDED], ids=["free", "adain", "guided"]
)
def test_nothing_of_a_face_reaches_the_others(
    v2_1: DiffBIRPipeline, options: dict[str, object]
) -> None:
    spoiled = FACES.clone()
    spoiled[1] = torch.nan
    clean, beside = (run(v2_1, faces, SEEDS, **options) for faces in (FACES, spoiled))
    assert beside[1].isnan().all()
    assert torch.equal(beside[0], clean[0])


def test_only_the_face_that_overflows_in_half_is_done_again() -> None:
    half = pipeline(V2_1, torch.bfloat16)  # in which a CPU is ten times faster than in float16
    spoiled = FACES.clone()
    spoiled[1] = torch.nan
    clean, beside = (run(half, faces, SEEDS) for faces in (FACES, spoiled))
    assert torch.equal(beside[0], clean[0])


def test_faces_that_have_to_be_cut_after_all_stay_apart(v2_1: DiffBIRPipeline) -> None:
    large = torch.nn.functional.interpolate(FACES, size=(128, 192), mode="bilinear").clamp(0, 1)
    request = ModelRequest(seeds=SEEDS, task="face", options=QUICK, tile=64)
    together = v2_1.prepare(large, request, Progress())(large, Progress())
    request = dataclasses.replace(request, seeds=SEEDS[1:])
    alone = v2_1.prepare(large[1:], request, Progress())(large[1:], Progress())
    torch.testing.assert_close(together[1:], alone, atol=TOLERANCE, rtol=0)


def test_a_face_keeps_its_noise_wherever_it_stands(v2_1: DiffBIRPipeline) -> None:
    forth, back = run(v2_1, FACES, SEEDS), run(v2_1, FACES.flip(0), SEEDS[::-1])
    torch.testing.assert_close(forth, back.flip(0), atol=TOLERANCE, rtol=0)
    twins = run(v2_1, FACES[[0, 0]], SEEDS)
    assert (twins[0] - twins[1]).abs().max() > 100 * TOLERANCE


def test_both_prompts_of_all_faces_are_one_call(v2_1: DiffBIRPipeline) -> None:
    call_sizes: list[int] = []
    hook = v2_1.networks.unet.register_forward_hook(
        lambda _, given, __: call_sizes.append(len(given[0]))
    )
    run(v2_1, FACES, SEEDS)
    hook.remove()
    assert call_sizes == [2 * len(FACES)] * STEPS


def test_progress_of_several_rises_to_the_end(v2_1: DiffBIRPipeline) -> None:
    steps: list[int] = []
    request = ModelRequest(seeds=SEEDS, task="face", options=QUICK)
    v2_1.prepare(FACES, request, Progress())(FACES, Progress(lambda done, _: steps.append(done)))
    assert steps == sorted(steps)
    assert steps[-1] == PROGRESS_STEPS
    assert len(steps) > 20


def test_several_are_canceled_between_steps(v2_1: DiffBIRPipeline) -> None:
    reports: list[int] = []

    def refuse(done: int, total: int) -> None:
        reports.append(done)
        if done > total // 2:
            raise Canceled("Canceled", hint="")

    request = ModelRequest(seeds=SEEDS, task="face", options=QUICK)
    with pytest.raises(Canceled):
        v2_1.prepare(FACES, request, Progress())(FACES, Progress(refuse))
    assert reports[-2] <= PROGRESS_STEPS // 2 < reports[-1]


def test_the_time_of_all_faces_is_told_before_it_begins(v2_1: DiffBIRPipeline) -> None:
    notes: list[str] = []
    large = torch.zeros(1, 3, 1, 1).expand(1, 3, 5000, 5000)
    for remaining in (1, 30):
        request = ModelRequest(task="face", remaining=remaining, warn_before=notes.append)
        v2_1.prepare(large, request, Progress())
    alone, all_faces = notes
    assert alone.startswith("This takes about ")
    assert all_faces.startswith("The 30 faces take about ")
    # How long depends on how fast this computer is at the moment: see test_time_estimate.py.


def test_as_many_go_together_as_a_card_has_room_for(v2_1: DiffBIRPipeline) -> None:
    on_a_card = DiffBIRPipeline(v2_1.networks, torch.device("cuda"), torch.float16)
    roomy, small = (
        ModelRequest(task="face", free_bytes=free, host_free_bytes=64 * 10**9)
        for free in (64 * 10**9, 3 * 10**9)
    )
    assert on_a_card.max_batch_size(512, 512, roomy) == MAX_BATCH_SIZE
    assert v2_1.max_batch_size(512, 512, roomy) == 1  # on a CPU nothing is gained
    assert 1 < on_a_card.max_batch_size(512, 512, small) < MAX_BATCH_SIZE
    assert on_a_card.max_batch_size(4096, 4096, small) == 1
    guided = dataclasses.replace(roomy, options={"fidelity": 0.5})
    assert 1 < on_a_card.max_batch_size(512, 512, guided) < MAX_BATCH_SIZE
