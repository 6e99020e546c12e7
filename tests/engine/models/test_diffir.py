"""DiffIR with random weights of the published size: layouts, seeds, progress, bands."""

import dataclasses
from pathlib import Path

import pytest
import torch
from fakes import CPU
from published import tensors
from torch import Tensor

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog import registry, weight_files
from pixelmend_engine.catalog.diffir import COMPACT_X4, DEBLUR
from pixelmend_engine.models import loading
from pixelmend_engine.models.diffir import DiffIR, PriorEncoder, StageOne
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline
from pixelmend_engine.nn.progress import STEPS, Progress
from pixelmend_engine.weights.checkpoints import conversion

SPEC = registry.find("diffir-deblur")


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A checkpoint as published: two networks twice, and the schedule."""
    torch.manual_seed(0)
    state = dict(DiffIR(DEBLUR).state_dict())
    copies = {f"diffusion.condition.{k[10:]}": t for k, t in state.items() if k[:4] == "cond"}
    copies |= {f"diffusion.model.{k[8:]}": t for k, t in state.items() if k[:7] == "denoise"}
    return state | copies | {"diffusion.betas": torch.zeros(4)}


@pytest.fixture(scope="module")
def pipeline(
    state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> PriorGuidedPipeline:
    path = tmp_path_factory.mktemp("weights") / "any name.pth"
    poor = {key: torch.zeros_like(tensor) for key, tensor in state.items()}
    torch.save({"params": poor, "params_ema": state}, path)
    spec, pipeline = loading.load([SPEC], [path], CPU, torch.float32)
    assert spec is SPEC
    assert isinstance(pipeline, PriorGuidedPipeline)
    return pipeline


IMAGE = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(3))


def test_the_averaged_parameters_are_taken(
    pipeline: PriorGuidedPipeline, state: dict[str, Tensor]
) -> None:
    assert isinstance(pipeline.networks, DiffIR)
    for key, tensor in pipeline.networks.state_dict().items():
        assert torch.equal(tensor, state[key])


def test_the_same_seed_gives_the_same_bits(pipeline: PriorGuidedPipeline) -> None:
    first, again, other = (
        pipeline.prepare(IMAGE, ModelRequest(seeds=(seed,)), Progress())(IMAGE, Progress())
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_progress_counts_every_step(pipeline: PriorGuidedPipeline) -> None:
    looks: list[int] = []
    steps: list[int] = []
    restorer = pipeline.prepare(
        IMAGE, ModelRequest(), Progress(lambda done, total: looks.append(done))
    )
    restorer(IMAGE, Progress(lambda done, total: steps.append(done)))
    blocks = pipeline.prepare_steps
    assert looks == [STEPS * (block + 1) // blocks for block in range(blocks)]
    assert steps[-1] == STEPS
    assert steps == sorted(steps)


def test_a_picture_looked_at_in_bands_has_the_same_prior(pipeline: PriorGuidedPipeline) -> None:
    networks = pipeline.networks
    assert isinstance(networks, DiffIR)
    image = torch.rand(1, 3, 1024, 64, generator=torch.Generator().manual_seed(4))
    whole = networks.condition(image)
    before = networks.condition.bands
    networks.condition.bands = dataclasses.replace(before, max_pixels=1)
    try:
        assert networks.condition.band_count(1024, 64) > 4
        in_bands = networks.condition(image)
    finally:
        networks.condition.bands = before
    # float32 sums over some thousand places, in another order.
    torch.testing.assert_close(in_bands, whole, rtol=1e-4, atol=1e-6)


def test_what_is_downloaded_loads_once_it_is_converted(tmp_path: Path) -> None:
    (file,) = weight_files.needed(SPEC)
    (name,) = file.parts.values()
    torch.save({"params_ema": tensors(name)}, tmp_path / "published.pth")
    with conversion.open_checkpoints(tmp_path / "published.pth", tmp_path) as checkpoints:
        conversion.write(
            conversion.select_tensors(file, checkpoints), file, tmp_path / "ours.safetensors"
        )
    spec, pipeline = loading.load([SPEC], [tmp_path / "ours.safetensors"], CPU, torch.float32)
    assert spec is SPEC
    assert (
        pipeline.prepare(IMAGE, ModelRequest(seeds=(1,)), Progress())(IMAGE, Progress()).shape
        == IMAGE.shape
    )


def test_weights_of_the_first_stage_are_named(tmp_path: Path) -> None:
    torch.save({"params": StageOne(DEBLUR).state_dict()}, tmp_path / "DiffIRS1.pth")
    with pytest.raises(UnreadableCheckpoint, match="first stage"):
        loading.load([SPEC], [tmp_path / "DiffIRS1.pth"], CPU, torch.float32)


def test_weights_of_another_family_are_refused(tmp_path: Path) -> None:
    torch.save({"params": {"conv.weight": torch.zeros(3)}}, tmp_path / "other.pth")
    with pytest.raises(UnreadableCheckpoint):
        loading.load([SPEC], [tmp_path / "other.pth"], CPU, torch.float32)


def test_our_encoder_tells_two_pictures_apart_before_it_has_learned_anything() -> None:
    pictures = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    pictures[1:] *= torch.tensor([0.9, 0.5, 0.1])[:, None, None, None]
    torch.manual_seed(0)

    def differing(encoder: PriorEncoder) -> float:
        prior = encoder(pictures)
        noticeable = 0.01 * prior.std()
        return ((prior[1:] - prior[:1]).abs() > noticeable).float().mean().item()

    published = dataclasses.replace(COMPACT_X4, encoder="published")
    assert differing(PriorEncoder(published, sharp=False)) < 0.5
    assert differing(PriorEncoder(COMPACT_X4, sharp=False)) > 0.9
