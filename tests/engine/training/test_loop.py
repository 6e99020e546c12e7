"""Training learns, and a run that was killed goes on as if it had not been."""

import dataclasses
import random
import sys
from pathlib import Path

import pytest
import tiny_run
import torch
from tiny_run import RECIPE, STEPS, shortened, stage_spec

from pixelmend.errors import BadRequest, OutputExists, TrainingDiverged, UnreadableCheckpoint
from pixelmend_engine.models.hidiff import convert
from pixelmend_engine.training import loop
from pixelmend_engine.training.recipes.learning_rates import CosineSegment
from pixelmend_engine.training.recipes.recipe import Phase
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress
from pixelmend_engine.weights.checkpoints import reading

KILLED_STEPS, SAVE_EVERY = 12, 4  # of a run that is killed
SETTINGS = RunSettings(device="cpu", report_every=1, save_every=10)


def run(
    spec: StageSpec, folder: Path, *, resume: bool = False, settings: RunSettings = SETTINGS
) -> list[TrainingProgress]:
    reports: list[TrainingProgress] = []
    loop.train(spec, settings, RunFolder(folder), reports.append, resume=resume)
    return reports


def files(folder: Path) -> tuple[Path, ...]:
    """Lists the weights of a stage, as published."""
    return tuple(RunFolder(folder).published.iterdir())


def networks(folder: Path) -> dict[str, reading.StateDict]:
    return convert({path.name: reading.read(path) for path in files(folder)})


def test_a_few_steps_make_pictures_better_that_were_never_trained_on(
    photos: Path, tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, save_every=STEPS // 3)
    first = run(stage_spec(photos), tmp_path / "stage1", settings=settings)
    assert len(first) == STEPS
    # Random weights make a picture worse. From there it rises, in each stage, and by more than
    # what a lucky picture would do.
    scores = [p.scores["validation"] for p in first if p.scores]
    assert scores[-1] > scores[0] + 3

    spec = shortened(stage_spec(photos, 2, files(tmp_path / "stage1")), STEPS // 2)
    settings = dataclasses.replace(SETTINGS, save_every=STEPS // 4)
    second = run(spec, tmp_path / "stage2", settings=settings)
    scores = [p.scores["validation"] for p in second if p.scores]
    assert scores[-1] > scores[0] + 0.5
    assert {"prior", "pixels"} == set(second[-1].losses)
    stored = {path.name: reading.read(path) for path in (tmp_path / "stage2").glob("model.*")}
    published = networks(tmp_path / "stage2")
    assert convert(stored).keys() == published.keys() == {"net_g", "net_le_dm", "net_d"}


def killed_run(photos: Path, folder: Path, step: int) -> dict[int, str]:
    """Trains in a process of its own, kills it after a step, and returns the losses until then."""
    numbers = (str(KILLED_STEPS), str(SAVE_EVERY))
    command = [sys.executable, tiny_run.__file__, str(photos), str(folder), *numbers]
    return tiny_run.losses_until_killed(command, step)


def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(photos: Path, tmp_path: Path) -> None:
    spec = shortened(stage_spec(photos), KILLED_STEPS)
    settings = dataclasses.replace(SETTINGS, save_every=SAVE_EVERY)
    step = random.randrange(SAVE_EVERY + 1, KILLED_STEPS - 1)
    before = killed_run(photos, tmp_path / "killed", step)
    whole = run(spec, tmp_path / "whole", settings=settings)
    expected = {p.step: tiny_run.losses_text(p) for p in whole}
    rest = run(spec, tmp_path / "killed", resume=True, settings=settings)
    after = {p.step: tiny_run.losses_text(p) for p in rest}

    first = min(after)  # the step after the last that was saved
    assert first % SAVE_EVERY == 1
    assert first > 1
    assert after == {number: expected[number] for number in range(first, KILLED_STEPS + 1)}
    assert before == {number: expected[number] for number in range(1, step + 1)}
    assert rest[-1].scores == whole[-1].scores


def test_a_run_stops_when_its_time_is_over_and_keeps_its_state(
    photos: Path, tmp_path: Path
) -> None:
    short = dataclasses.replace(SETTINGS, minutes=0.0)
    assert len(run(stage_spec(photos), tmp_path / "run", settings=short)) == 1
    (after,) = run(stage_spec(photos), tmp_path / "run", settings=short, resume=True)
    assert after.step == 2


def test_a_run_is_not_begun_over_another(photos: Path, tmp_path: Path) -> None:
    run(shortened(stage_spec(photos), 1), tmp_path / "run")
    with pytest.raises(OutputExists, match="A run was begun"):
        run(shortened(stage_spec(photos), 1), tmp_path / "run")


def test_a_run_goes_on_with_nothing_but_its_own_pictures_and_recipe(
    photos: Path, tmp_path: Path
) -> None:
    spec = shortened(stage_spec(photos), 2)
    run(spec, tmp_path / "run")
    assert run(spec, tmp_path / "run", resume=True) == []  # it was at its end
    with pytest.raises(BadRequest, match="another recipe, seed"):
        run(dataclasses.replace(spec, seed=1), tmp_path / "run", resume=True)
    (photos / "00.png").rename(photos / "renamed.png")
    with pytest.raises(BadRequest, match="set of pictures"):
        run(spec, tmp_path / "run", resume=True)


def test_losses_that_are_no_numbers_end_a_run_and_leave_what_was_saved(
    photos: Path, tmp_path: Path
) -> None:
    spec = stage_spec(photos)
    stage = dataclasses.replace(
        spec.recipe.stages[0],
        rates=(CosineSegment(1, 1e-4, 1e-4), CosineSegment(9, 1e30, 1e30)),
        clip=1e9,
    )
    recipe = dataclasses.replace(spec.recipe, stages=(stage, stage))
    with pytest.raises(TrainingDiverged, match="a loss is no number anymore: `pixels`"):
        run(
            dataclasses.replace(spec, recipe=recipe),
            tmp_path / "run",
            settings=dataclasses.replace(SETTINGS, save_every=2),
        )
    assert RunFolder(tmp_path / "run").load_state()["step"] == 2


@pytest.fixture
def trained(photos: Path, tmp_path: Path) -> RunFolder:
    """A second stage of a few steps; the first is beside it."""
    run(shortened(stage_spec(photos), 2), tmp_path / "stage1")
    teacher = files(tmp_path / "stage1")
    run(shortened(stage_spec(photos, 2, teacher), 2), tmp_path / "stage2")
    return RunFolder(tmp_path / "stage2")


def test_stage_2_goes_on_with_trained_weights_and_needs_no_teacher(
    photos: Path, trained: RunFolder, tmp_path: Path
) -> None:
    unmoved = dataclasses.replace(
        RECIPE.stages[1], rates=(CosineSegment(9, 0.0, 0.0),), phases=(Phase(1, 32, 1),)
    )
    recipe = dataclasses.replace(RECIPE, stages=(RECIPE.stages[0], unmoved))
    start = (trained.path / "model.safetensors",)
    spec = dataclasses.replace(stage_spec(photos, 2), recipe=recipe, start=start)
    (progress,) = run(spec, tmp_path / "alone")
    assert set(progress.losses) == {"pixels"}
    alone = RunFolder(tmp_path / "alone")
    before, after = networks(trained.path), networks(alone.path)
    assert before.keys() == after.keys() == {"net_g", "net_le_dm", "net_d"}
    for name, state in before.items():
        for key, tensor in state.items():  # `start` is stored in half precision
            torch.testing.assert_close(after[name][key], tensor, rtol=1e-3, atol=1e-6)

    teacher = files(tmp_path / "stage1")
    taught = dataclasses.replace(spec, teacher=teacher)
    (progress,) = run(taught, tmp_path / "taught")
    assert set(progress.losses) == {"pixels", "prior"}
    with pytest.raises(BadRequest, match="another recipe"):
        run(taught, alone.path, resume=True)
    assert run(spec, alone.path, resume=True) == []


def test_stage_2_goes_on_with_nothing_but_all_networks_of_stage_2(
    photos: Path, trained: RunFolder, tmp_path: Path
) -> None:
    (trained.published / "net_d.pth").unlink()
    spec = dataclasses.replace(stage_spec(photos, 2), start=files(trained.path))
    with pytest.raises(UnreadableCheckpoint, match="not all there, missing: net_d"):
        run(spec, tmp_path / "alone")


def test_stage_2_takes_nothing_but_the_weights_of_stage_1(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableCheckpoint, match="not all there, missing: net_g, net_le"):
        run(stage_spec(photos, 2), tmp_path / "stage2")
