"""DiffBIR's stages learn; one that was killed goes on with the same losses."""

import dataclasses
import sys
from pathlib import Path
from statistics import fmean

import pytest
import tiny_diffbir_run
import tiny_run
import torch
from fakes import CPU
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from small_diffbir import small
from tiny_diffbir_run import stage_spec, tiny

from pixelmend.errors import BadRequest, UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.models import loading
from pixelmend_engine.models.diffbir.model import DiffBIRPipeline
from pixelmend_engine.nn.swinir import SwinIR
from pixelmend_engine.training import initial_weights, loop
from pixelmend_engine.training.data.latent_pool import LatentBatch
from pixelmend_engine.training.objectives.control import ControlObjective
from pixelmend_engine.training.recipes.recipe import StageNumber
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints import reading

STEPS, KILLED_STEPS, SAVE_EVERY = 60, 12, 4
SETTINGS = RunSettings(device="cpu", report_every=1, save_every=STEPS // 2)


def run(
    spec: StageSpec, folder: Path, *, resume: bool = False, settings: RunSettings = SETTINGS
) -> list[TrainingProgress]:
    reports: list[TrainingProgress] = []
    loop.train(spec, settings, RunFolder(folder), reports.append, resume=resume)
    return reports


def killed_run(
    photos: Path, folder: Path, recipe: str, stage: int, step: int, base: Path | None
) -> dict[int, str]:
    """Trains in a process of its own, kills it after a step, and returns the losses until then."""
    numbers = (recipe, str(stage), str(KILLED_STEPS), str(SAVE_EVERY), str(base))
    command = [sys.executable, tiny_diffbir_run.__file__, str(photos), str(folder), *numbers]
    return tiny_run.losses_until_killed(command, step)


def goes_on(
    photos: Path, folder: Path, recipe: str, stage: StageNumber, base: Path | None = None
) -> None:
    """Compares a run that was killed, and went on, with one that was not."""
    settings = dataclasses.replace(SETTINGS, save_every=SAVE_EVERY)
    before = killed_run(photos, folder / "killed", recipe, stage, SAVE_EVERY + 2, base)
    spec = stage_spec(photos, tiny(recipe, KILLED_STEPS), stage, base)
    whole = run(spec, folder / "whole", settings=settings)
    rest = run(spec, folder / "killed", resume=True, settings=settings)
    expected = {p.step: tiny_run.losses_text(p) for p in whole}
    after = {p.step: tiny_run.losses_text(p) for p in rest}
    assert len(before) == SAVE_EVERY + 2
    assert min(after) <= len(before) + 1
    assert max(after) == KILLED_STEPS
    assert before | after == expected


@pytest.mark.slow
def test_stage_1_learns_to_remove_degradations(photos: Path, tmp_path: Path) -> None:
    recipe = tiny("diffbir-v1-general", STEPS)
    reports = run(stage_spec(photos, recipe), tmp_path / "stage1")
    squares = [report.losses["squares"] for report in reports]
    assert len(squares) == STEPS
    assert fmean(squares[-10:]) < fmean(squares[:10]) / 2

    # The published layout holds what its own code asks for, and ours what commands take.
    state = reading.read(tmp_path / "stage1" / "published" / "swinir.pth")
    assert isinstance(recipe.config, DiffBIRConfig)
    network = SwinIR(recipe.config.swinir)
    assert network.state_dict().keys() < state.keys()
    extra = state.keys() - network.state_dict().keys()
    assert {key.rpartition(".")[2] for key in extra} == set(SwinIR.BUFFERS)
    ours = reading.read(tmp_path / "stage1" / "model.safetensors")
    assert {key.partition(".")[0] for key in ours} == {"swinir"}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["diffbir-v1-face", "diffbir-v2.1"])
def test_stage_1_of_other_recipes_goes_on_where_it_was_killed(
    photos: Path, tmp_path: Path, recipe: str
) -> None:
    goes_on(photos, tmp_path, recipe, 1)


def test_a_step_in_parts_is_the_same_step(photos: Path, tmp_path: Path) -> None:
    spec = stage_spec(photos, tiny("diffbir-v1-general", 2))
    whole = run(spec, tmp_path / "whole")
    parts = run(spec, tmp_path / "parts", settings=dataclasses.replace(SETTINGS, at_once=1))
    for one, other in zip(whole, parts, strict=True):
        assert one.losses == pytest.approx(other.losses, rel=1e-5)
    states = [
        torch.load(tmp_path / name / "resume.state")["networks"]["swinir"]["conv_last.weight"]
        for name in ("whole", "parts")
    ]
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=5e-4)


def test_small_pictures_are_counted_and_named(photos: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(tiny("diffbir-v1-general", 2), least_side=100)
    with pytest.raises(BadRequest, match=r"12 of 12 pictures have fewer than 100 pixels.*`00.png`"):
        run(stage_spec(photos, recipe), tmp_path)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the second stage of v2.1 stands on."""
    return tiny_diffbir_run.base_folder(tmp_path_factory.mktemp("base") / "v2.1", "diffbir-v2.1")


@pytest.mark.slow
def test_stage_2_learns_to_steer_a_frozen_u_net(photos: Path, tmp_path: Path, base: Path) -> None:
    recipe = tiny("diffbir-v2.1", STEPS)
    spec = stage_spec(photos, recipe, 2, base)
    reports = run(spec, tmp_path / "stage2")
    assert len(reports) == STEPS
    assert "validation" in reports[-1].scores

    # How large a loss is, is mostly the timestep's: the same ones before and after.
    trained = dataclasses.replace(spec, start=store.files_at(tmp_path / "stage2" / "published"))
    shard = load_file(tmp_path / "stage2" / "pool" / "00000.safetensors")
    losses: list[float] = []
    for each in (spec, trained):
        objective = initial_weights.build_objective(each, torch.float32)
        assert isinstance(objective, ControlObjective)
        context = objective.empty.expand(16, -1, -1)
        samples = LatentBatch(shard["moments"].float(), shard["condition"].float(), context)
        draws = objective.draw(samples, torch.Generator().manual_seed(0))
        with torch.no_grad():
            losses.append(objective(*samples.inputs, draws).losses["v"].item())
    assert losses[1] < 0.8 * losses[0]

    # Commands take the one network that was trained, and the rest from what it stands on.
    model = small("diffbir-v2.1")
    own = [tmp_path / "stage2" / "model.safetensors"]
    _, pipeline = loading.load([model], own, CPU, torch.float32, store.files_at(base))
    assert isinstance(pipeline, DiffBIRPipeline)
    published = reading.read(tmp_path / "stage2" / "published" / "control.pth")
    control = pipeline.networks.control.state_dict()
    assert control.keys() == published.keys()
    assert published["zero_convs.0.0.weight"].abs().max() > 0
    for name, tensor in control.items():
        torch.testing.assert_close(tensor, published[name], rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_stage_2_goes_on_where_it_was_killed(photos: Path, tmp_path: Path, base: Path) -> None:
    goes_on(photos, tmp_path, "diffbir-v2.1", 2, base)


@pytest.mark.slow
def test_latents_that_are_there_are_not_computed_again(
    photos: Path, tmp_path: Path, base: Path
) -> None:
    spec = stage_spec(photos, tiny("diffbir-v2.1", 1), 2, base)
    first = run(spec, tmp_path / "run")
    shards = sorted((tmp_path / "run" / "pool").glob("0*.safetensors"))
    assert [shard.name for shard in shards] == ["00000.safetensors", "00001.safetensors"]
    before = [shard.stat().st_mtime_ns for shard in shards]
    # As if it had been killed while it made the second.
    (tmp_path / "run" / "resume.state").unlink()
    content = shards[1].read_bytes()
    shards[1].unlink()
    again = run(spec, tmp_path / "run")
    assert shards[0].stat().st_mtime_ns == before[0]
    assert shards[1].read_bytes() == content
    assert again[0].losses == first[0].losses

    other = dataclasses.replace(spec, seed=1)
    (tmp_path / "run" / "resume.state").unlink()
    run(other, tmp_path / "run")
    assert shards[0].stat().st_mtime_ns != before[0]


@pytest.mark.slow
def test_captions_are_learned_with(photos: Path, tmp_path: Path, base: Path) -> None:
    spec = stage_spec(photos, tiny("diffbir-v2.1", 1), 2, base)
    for path in sorted(photos.iterdir()):
        path.with_suffix(".txt").write_text("a portrait")
    with_captions = run(dataclasses.replace(spec, captions=True), tmp_path / "with")
    without = run(spec, tmp_path / "without")
    assert with_captions[0].losses != without[0].losses


def test_what_a_second_stage_stands_on_is_named_where_it_is_missing(
    photos: Path, tmp_path: Path
) -> None:
    spec = stage_spec(photos, tiny("diffbir-v2.1", 1), 2)
    with pytest.raises(UnreadableCheckpoint, match="missing: autoencoder, swinir, text_encoder"):
        run(spec, tmp_path)
