"""Compares weights of HI-Diff Compact on what training does to pictures, and on what it does not.

    python tests/bench/degradations.py FOLDER [WEIGHTS...]

FOLDER has sharp photographs, of which those are taken that `pixelmend train` keeps back; WEIGHTS
are folders or files, the bundled ones if there are none. Each photograph's middle is made worse,
with fixed seeds, and restored. A line has the mean PSNR of what was given, in dB, and what each of
the weights gains; docs/models/hi-diff-compact.md has the figures of the bundled model.
"""

import argparse
import dataclasses
from pathlib import Path

import torch

from pixelmend_engine.catalog import registry
from pixelmend_engine.training import initial_weights
from pixelmend_engine.training.data import folders
from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.degradations.camera import MILD, SHAKEN, STRONG
from pixelmend_engine.training.recipes import registry as recipes
from pixelmend_engine.training.stage_spec import StageSpec
from pixelmend_engine.training.validation import Validation
from pixelmend_engine.weights import store

SIDE = 256  # pixels, of the middles
LENSES = {"shake_share": 0.0, "moving_share": 0.0, "defocus_share": 0.5, "soft_share": 0.5}

DEGRADATIONS = {
    "as --recipe compact": MILD,
    "as --recipe compact-tuned": SHAKEN,
    "as --recipe gopro": STRONG,
    "focus and lenses, no shake": dataclasses.replace(MILD, untouched_share=0.0, **LENSES),
    "sharp, JPEG of 60 to 80": dataclasses.replace(
        MILD, untouched_share=1.0, jpeg_share=1.0, jpeg=(60.0, 80.0)
    ),
}


def main() -> None:
    """Prints one line for each degradation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path, nargs="*")
    arguments = parser.parse_args()

    folder = TrainingFolder(kind="sharp", path=arguments.folder)
    _, kept_back = folders.split(folder.pairs())
    recipe = recipes.find("compact-tuned")
    bundled = store.locate(registry.find("hi-diff-compact"), Path())
    starts = [store.files_at(path) for path in arguments.weights] or [bundled]
    objectives = [
        initial_weights.build_objective(
            StageSpec(recipe=recipe, number=2, folders=(folder,), start=start), torch.float32
        )
        for start in starts
    ]
    for name, degradation in DEGRADATIONS.items():
        cases = Validation(
            kept_back,
            degradation,
            side=SIDE,
            device=torch.device("cpu"),
            max_pictures=len(kept_back),
        )
        scores = [cases.score(objective) for objective in objectives]
        before = scores[0].input_psnr
        gains = " ".join(f"{score.psnr - before:+6.2f}" for score in scores)
        print(f"{name:28} {before:6.2f} {gains}")


if __name__ == "__main__":
    main()
