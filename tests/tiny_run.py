"""A training run of seconds; as a script, in a process of its own that prints every step's losses.

python tests/tiny_run.py PHOTOS FOLDER [--resume]
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pixelmend_engine.catalog.hidiff import COMPACT
from pixelmend_engine.training import loop
from pixelmend_engine.training.degradations import Degradation
from pixelmend_engine.training.folders import Source
from pixelmend_engine.training.loop import Pace, Plan, Progress
from pixelmend_engine.training.losses import StageNumber
from pixelmend_engine.training.rates import Cycle
from pixelmend_engine.training.recipes import Phase, Recipe, Stage
from pixelmend_engine.training.run_folder import RunFolder

STEPS = 60  # of each stage
FEW = 24  # of the one stage that the script runs
SAVE_EVERY = 5  # of these
CONFIG = dataclasses.replace(
    COMPACT,
    dim=8,
    blocks=(1, 1, 1, 1),
    embed_dim=8,
    encoder_blocks=1,
    denoiser_width=16,
    denoiser_blocks=3,
    steps=4,
)
SHORT = Stage(
    phases=(Phase(STEPS // 2, 32, 4), Phase(STEPS, 40, 3)),
    cycles=(Cycle(5, 0.0, 3e-3), Cycle(STEPS - 5, 3e-3, 1e-4)),
    average=0.9,
)
# A blur that is always the same kind, so that a few steps are enough to learn something of it.
SOFT = Degradation(
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


def plan(photos: Path, stage: StageNumber = 1, teacher: tuple[Path, ...] = ()) -> Plan:
    """Plans one stage of the tiny run."""
    sources = (Source(kind="sharp", folder=photos),)
    return Plan(recipe=RECIPE, stage=stage, sources=sources, teacher=teacher, validation_side=64)


def shortened(planned: Plan, steps: int) -> Plan:
    """Plans the same with so many steps a stage."""
    return dataclasses.replace(planned, recipe=planned.recipe.scaled(2 * steps))


def make_photos(folder: Path, astronaut: np.ndarray, count: int = 12) -> Path:
    """Cuts a portrait into pictures of 96 x 80 pixels."""
    folder.mkdir()
    for number in range(count):
        row, column = divmod(number, 4)
        top, left = 60 + 120 * row, 20 + 110 * column
        part = Image.fromarray(astronaut[top : top + 80, left : left + 96])
        part.save(folder / f"{number:02}.png")
    return folder


def main(photos: str, folder: str, resume: str = "") -> None:
    """Trains, and prints a line for each step."""

    def report(progress: Progress) -> None:
        losses = " ".join(f"{name}={value!r}" for name, value in progress.losses.items())
        print(progress.step, losses, flush=True)  # noqa: T201 - read by the test

    # Two threads that wait for each other take longer over so small pictures than one.
    torch.set_num_threads(1)
    planned = shortened(plan(Path(photos)), FEW)
    pace = Pace(device="cpu", report_every=1, save_every=SAVE_EVERY)
    loop.train(planned, pace, RunFolder(Path(folder)), report, resume=bool(resume))


if __name__ == "__main__":
    main(*sys.argv[1:])
