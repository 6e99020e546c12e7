"""A training run of seconds; as a script, in a process of its own that prints every step's losses.

python tests/tiny_run.py PHOTOS FOLDER STEPS SAVE_EVERY
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from small_hidiff import CONFIG

from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.training import loop
from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.degradations.camera import CameraSettings
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.degradations.inpainting_masks import InpaintingMaskSettings
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.learning_rates import CosineSegment
from pixelmend_engine.training.recipes.recipe import Phase, Recipe, Stage, StageNumber
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress

STEPS = 24  # of each stage
SHORT = Stage(
    phases=(Phase(STEPS // 2, 32, 4), Phase(STEPS, 40, 3)),
    rates=(CosineSegment(2, 0.0, 3e-3), CosineSegment(STEPS - 2, 3e-3, 1e-4)),
    ema_decay=0.9,
)
# A blur that is always the same kind, so that a few steps are enough to learn something of it.
SOFT = CameraSettings(
    untouched_share=0.0,
    shake_share=0.0,
    moving_share=0.0,
    defocus_share=0.0,
    soft_share=1.0,
    soft=(1.0, 1.2),
    highlight_share=0.0,
    jpeg_share=0.0,
    grain=(0.0, 0.0),
    shot=(0.0, 0.0),
    read=(0.0, 0.0),
    shake=(0.0, 4.0),
)
RECIPE = Recipe(
    id="tiny", title="Tiny", config=CONFIG, stages=(SHORT, SHORT), window=64, degradation=SOFT
)


def small(recipe_id: str, *, patch: int = 64, batch: int = 2) -> Recipe:
    """Makes a recipe for DiffIR's smallest networks, with small crops; all else is as it was."""
    recipe = registry.find(recipe_id)
    assert isinstance(recipe.config, DiffIRConfig)
    config = dataclasses.replace(
        recipe.config,
        dim=4,
        blocks=(1, 1, 1, 1),
        refinement_blocks=min(1, recipe.config.refinement_blocks),
        encoder_blocks=1,
        features=8,
    )
    stages = tuple(
        dataclasses.replace(
            stage,
            phases=tuple(Phase(phase.until, patch, batch) for phase in stage.phases),
            degradation=stage.degradation and shrunk(stage.degradation),
            adversarial=stage.adversarial and dataclasses.replace(stage.adversarial, width=8),
        )
        for stage in recipe.stages
    )
    degradation, pool_size = shrunk(recipe.degradation), min(3 * batch, recipe.pool_size)
    return dataclasses.replace(
        recipe,
        config=config,
        stages=stages,
        window=96,
        degradation=degradation,
        pool_size=pool_size,
    )


def shrunk(degradation: DegradationSettings) -> DegradationSettings:
    """Makes what is done to pictures fit into small crops."""
    if isinstance(degradation, RealESRGANSettings):
        return dataclasses.replace(degradation, side=160)
    if isinstance(degradation, InpaintingMaskSettings):
        return dataclasses.replace(
            degradation, length=(5, 40), brush=(3, 12), box=(8, 24), margin=4
        )
    return SOFT if isinstance(degradation, CameraSettings) else degradation


def stage_spec(photos: Path, number: StageNumber = 1, teacher: tuple[Path, ...] = ()) -> StageSpec:
    """Specifies one stage of the tiny run."""
    folders = (TrainingFolder(kind="sharp", path=photos),)
    return StageSpec(
        recipe=RECIPE, number=number, folders=folders, teacher=teacher, validation_side=64
    )


def shortened(spec: StageSpec, steps: int) -> StageSpec:
    """Specifies the same with so many steps a stage."""
    stages = tuple(stage.with_steps(steps) for stage in spec.recipe.stages)
    return dataclasses.replace(spec, recipe=dataclasses.replace(spec.recipe, stages=stages))


def make_photos(folder: Path, astronaut: np.ndarray, count: int = 12) -> Path:
    """Cuts a portrait into pictures of 96 x 80 pixels."""
    folder.mkdir()
    for number in range(count):
        row, column = divmod(number, 4)
        top, left = 60 + 120 * row, 20 + 110 * column
        part = Image.fromarray(astronaut[top : top + 80, left : left + 96])
        part.save(folder / f"{number:02}.png")
    return folder


def losses_text(progress: TrainingProgress) -> str:
    """Writes the losses of a step to the last digit."""
    return " ".join(f"{name}={value!r}" for name, value in progress.losses.items())


def losses_until_killed(command: list[str], step: int) -> dict[int, str]:
    """Runs a script that prints a line for each step, kills it after one; returns the losses."""
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


def main(photos: str, folder: str, steps: str, save_every: str) -> None:
    """Trains the first stage, and prints a line for each step."""

    def report(progress: TrainingProgress) -> None:
        print(progress.step, losses_text(progress), flush=True)  # noqa: T201 - read by the test

    # Two threads that wait for each other take longer over so small pictures than one.
    torch.set_num_threads(1)
    spec = shortened(stage_spec(Path(photos)), int(steps))
    settings = RunSettings(device="cpu", report_every=1, save_every=int(save_every))
    loop.train(spec, settings, RunFolder(Path(folder)), report, resume=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
