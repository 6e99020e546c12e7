"""DiffBIR's training in the sizes of the golden vectors; as a script, in a process of its own.

python tests/tiny_diffbir_run.py PHOTOS FOLDER RECIPE STAGE STEPS SAVE_EVERY BASE
"""

import dataclasses
import sys
from pathlib import Path
from typing import cast

import small_diffbir
import tiny_run
import torch

from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.training import loop
from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.degradations.codeformer import CodeFormerSettings
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.learning_rates import ConstantUntil
from pixelmend_engine.training.recipes.recipe import Phase, Recipe, StageNumber
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress
from pixelmend_engine.weights import store

SIDE, BATCH = 64, 2
RATES = (1e-3, 3e-3)  # of each stage
MILD = CodeFormerSettings(sigma=(0.5, 1.0), shrink=(1.5, 2.0), noise=(0.0, 5.0), quality=(80, 100))


def tiny(recipe_id: str, steps: int) -> Recipe:
    """Makes a published recipe small and short: networks, crops, steps, and a high rate."""
    recipe = registry.find(recipe_id)
    assert isinstance(recipe.config, DiffBIRConfig)
    stages = tuple(
        dataclasses.replace(
            stage,
            phases=(Phase(steps, SIDE, BATCH),),
            rates=(ConstantUntil(steps + 1, rate),),
            degradation=stage.degradation and _shrunk(stage.degradation),
        )
        for stage, rate in zip(recipe.stages, RATES, strict=True)
    )
    return dataclasses.replace(
        recipe,
        config=small_diffbir.tiny(recipe.config),
        stages=stages,
        degradation=_shrunk(recipe.degradation),
        pool_size=min(recipe.pool_size, 3 * BATCH),
        window=SIDE,
        least_side=SIDE,
    )


def _shrunk(degradation: DegradationSettings) -> DegradationSettings:
    if isinstance(degradation, RealESRGANSettings):
        return dataclasses.replace(degradation, side=160)  # less would shrink to nothing
    return MILD


def stage_spec(
    photos: Path, recipe: Recipe, number: StageNumber = 1, base: Path | None = None
) -> StageSpec:
    """Specifies one stage; the second stands on the files in the folder `base`."""
    return StageSpec(
        recipe=recipe,
        number=number,
        folders=(TrainingFolder(kind="sharp", path=photos),),
        base=() if base is None else store.files_at(base),
        pool=32,
        validation_side=SIDE,
    )


def base_folder(folder: Path, model_id: str) -> Path:
    """Writes what a second stage stands on: all of a small system."""
    folder.mkdir()
    small_diffbir.write(small_diffbir.small(model_id), folder)
    return folder


def main(
    photos: str, folder: str, recipe: str, number: str, steps: str, save_every: str, base: str
) -> None:
    """Trains a stage, and prints a line for each step."""

    def report(progress: TrainingProgress) -> None:
        print(progress.step, tiny_run.losses_text(progress), flush=True)  # noqa: T201 - read by the test

    torch.set_num_threads(1)
    stage = cast("StageNumber", int(number))
    spec = stage_spec(
        Path(photos), tiny(recipe, int(steps)), stage, Path(base) if stage == 2 else None
    )
    settings = RunSettings(device="cpu", report_every=1, save_every=int(save_every))
    loop.train(spec, settings, RunFolder(Path(folder)), report, resume=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
