"""A run learns its prior alone at first, tells how it fares, and stops when it collapses."""

import dataclasses
from pathlib import Path

import pytest
import tiny_run
import torch
from small_hidiff import CONFIG

from pixelmend.errors import PriorCollapsed
from pixelmend_engine.models.hidiff import convert
from pixelmend_engine.training import loop
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.recipe import StageNumber
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress
from pixelmend_engine.weights.checkpoints import reading as checkpoints

ALONE, STEPS = 12, 16
SETTINGS = RunSettings(device="cpu", report_every=1, save_every=ALONE)
GUIDED = registry.find("compact-guided")


def guided(photos: Path, number: StageNumber, **files: tuple[Path, ...]) -> StageSpec:
    """Plans a stage of the recipe whose prior is learned alone first, with tiny networks."""
    config = dataclasses.replace(
        GUIDED.config,
        **{
            name: getattr(CONFIG, name) for name in ("dim", "blocks", "embed_dim", "encoder_blocks")
        },
        denoiser_width=CONFIG.prior_dim,
    )
    stages = tuple(
        dataclasses.replace(
            stage.with_steps(STEPS),
            phases=tiny_run.SHORT.with_steps(STEPS).phases,
            joint_training_from=ALONE + 1,
        )
        for stage in GUIDED.stages
    )
    recipe = dataclasses.replace(
        GUIDED, config=config, stages=stages, window=64, degradation=tiny_run.SOFT
    )
    planned = tiny_run.stage_spec(photos, number)
    return dataclasses.replace(planned, recipe=recipe, **files)


def run(planned: StageSpec, folder: Path) -> list[TrainingProgress]:
    reports: list[TrainingProgress] = []
    loop.train(planned, SETTINGS, RunFolder(folder), reports.append, resume=False)
    return reports


def files(folder: Path) -> tuple[Path, ...]:
    return tuple(RunFolder(folder).published.iterdir())


def networks(folder: Path) -> dict[str, checkpoints.StateDict]:
    return convert({path.name: checkpoints.read(path) for path in files(folder)})


def unguarded(planned: StageSpec) -> StageSpec:
    """Plans the same run, that a dozen steps may leave with any prior."""
    recipe = dataclasses.replace(planned.recipe, guards_prior=False)
    return dataclasses.replace(planned, recipe=recipe)


def test_both_stages_learn_the_prior_alone_and_then_with_the_transformer(
    photos: Path, tmp_path: Path
) -> None:
    first = run(guided(photos, 1), tmp_path / "stage1")
    assert [set(p.losses) for p in first] == [{"blur"}] * ALONE + [{"blur", "pixels"}] * 4
    teacher = files(tmp_path / "stage1")
    second = run(unguarded(guided(photos, 2, teacher=teacher)), tmp_path / "stage2")
    assert [set(p.losses) for p in second] == [{"prior"}] * ALONE + [{"prior", "pixels"}] * 4
    assert networks(tmp_path / "stage2").keys() == {"net_g", "net_le_dm", "net_d"}
    reported = [p.health is not None for p in (*first, *second)]
    assert reported == [bool(p.scores) for p in (*first, *second)]
    assert sum(reported) == 4
    # Standardized, the prior of a teacher that has learned next to nothing differs already.
    assert first[-1].health is not None
    assert first[-1].health.depends_on_picture


def test_a_first_stage_goes_on_with_a_trained_transformer_and_leaves_it_at_first(
    photos: Path, tmp_path: Path
) -> None:
    run(guided(photos, 1), tmp_path / "before")
    start = files(tmp_path / "before")
    planned = guided(photos, 1, start=start)
    stage = dataclasses.replace(planned.recipe.stages[0], joint_training_from=STEPS + 1)
    recipe = dataclasses.replace(planned.recipe, stages=(stage, stage))
    run(dataclasses.replace(planned, recipe=recipe, seed=1), tmp_path / "after")
    before, after = networks(tmp_path / "before"), networks(tmp_path / "after")
    assert all(torch.equal(before["net_g"][key], after["net_g"][key]) for key in before["net_g"])
    assert not torch.equal(before["net_le"]["end.weight"], after["net_le"]["end.weight"])


def test_a_run_whose_prior_is_clamped_stops_after_it_was_saved(
    photos: Path, tmp_path: Path
) -> None:
    run(tiny_run.shortened(tiny_run.stage_spec(photos), 2), tmp_path / "stage1")
    planned = tiny_run.stage_spec(photos, 2, files(tmp_path / "stage1"))
    # Epsilon-prediction, as it begins: half of the entries are at the clamp.
    guarded = dataclasses.replace(planned.recipe, guards_prior=True)
    with pytest.raises(PriorCollapsed, match=r"After step 12 .* clamped"):
        run(dataclasses.replace(planned, recipe=guarded), tmp_path / "stage2")
    assert RunFolder(tmp_path / "stage2").state.exists()
