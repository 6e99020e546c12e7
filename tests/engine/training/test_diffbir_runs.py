"""DiffBIR's stages learn; one that was killed goes on with the same losses."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest
import tiny_diffbir_run
import tiny_run
import torch
from tiny_diffbir_run import stage_spec, tiny

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.nn.swinir import SwinIR
from pixelmend_engine.training import loop
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress
from pixelmend_engine.weights.checkpoints import reading

STEPS, KILLED_STEPS, SAVE_EVERY = 60, 12, 4
SETTINGS = RunSettings(device="cpu", report_every=1, save_every=STEPS // 2)


def run(
    spec: StageSpec, folder: Path, *, resume: bool = False, settings: RunSettings = SETTINGS
) -> list[TrainingProgress]:
    reports: list[TrainingProgress] = []
    loop.train(spec, settings, RunFolder(folder), reports.append, resume=resume)
    return reports


def killed_run(photos: Path, folder: Path, recipe: str, stage: int, step: int) -> dict[int, str]:
    """Trains in a process of its own, kills it after a step, and returns the losses until then."""
    numbers = (recipe, str(stage), str(KILLED_STEPS), str(SAVE_EVERY))
    command = [sys.executable, tiny_diffbir_run.__file__, str(photos), str(folder), *numbers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        losses: dict[int, str] = {}
        for line in process.stdout:
            number, _, values = line.strip().partition(" ")
            losses[int(number)] = values
            if int(number) == step:
                process.kill()
                break
    return losses


def goes_on(photos: Path, folder: Path, recipe: str, stage: int) -> None:
    """Compares a run that was killed, and went on, with one that was not."""
    settings = dataclasses.replace(SETTINGS, save_every=SAVE_EVERY)
    before = killed_run(photos, folder / "killed", recipe, stage, SAVE_EVERY + 2)
    spec = stage_spec(photos, tiny(recipe, KILLED_STEPS), stage)  # pyright: ignore[reportArgumentType]
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
