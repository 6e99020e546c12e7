"""What a run of training begins with, and how much of a step is computed at once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pixelmend_cli.terminal import print_line

if TYPE_CHECKING:
    from pixelmend_engine.training.recipes.recipe import Recipe
    from pixelmend_engine.training.run_folder import RunFolder
    from pixelmend_engine.training.stage_spec import StageSpec


def pictures_at_once(
    spec: "StageSpec",
    wanted: int | None,
    device: Literal["auto", "cpu"],
    precision: Literal["auto", "fp32", "bf16"],
    *,
    quiet: bool,
) -> int:
    """Finds out how many crops of a step fit into memory together, and says what that takes."""
    from pixelmend_engine.inference import devices
    from pixelmend_engine.training import loop, memory_estimate

    where = devices.choose_device(device)
    memory = memory_estimate.estimate(spec, loop.training_dtype(precision, where), where)
    batch = max(phase.batch for phase in spec.stage.phases)
    count = memory_estimate.pictures_at_once(
        memory, wanted=wanted, batch=batch, free_bytes=devices.free_bytes(where)
    )
    if not quiet:
        print_line(
            f"stage {spec.number}: {count} of {batch} crops at once, about "
            f"{memory.bytes_of(count) / memory_estimate.GB:.1f} GB",
            err=True,
        )
    return count


def weights(path: Path | None, folder: "RunFolder") -> tuple[Path, ...]:
    """Lists the files of weights that were named, or those that a stage of this run has left.

    The name of a model of DiffBIR's will do, or what follows the family's in it (`v2.1`).
    """
    from pixelmend_cli import settings
    from pixelmend_engine.catalog import registry
    from pixelmend_engine.weights import store

    if path is not None and not path.exists():
        names = (str(path), f"diffbir-{path}")
        for spec in registry.MODELS:
            if spec.id in names and spec.family == "DiffBIR":
                return store.locate(spec, settings.resolve(os.environ).models_dir)
    return store.files_at(path or folder.published)


def teacher_files(recipe: "Recipe", path: Path | None, folder: "RunFolder") -> tuple[Path, ...]:
    """Lists the files of stage 1; DiffBIR's second stage may take the published ones instead."""
    if path is None and recipe.family == "diffbir" and not any(folder.published.glob("*")):
        return ()
    return weights(path, folder)


def base_files(recipe: "Recipe", path: Path | None) -> tuple[Path, ...]:
    """Lists the files that DiffBIR's second stage stands on: those named, or the model's own."""
    from pixelmend_cli import settings
    from pixelmend_engine.catalog import registry
    from pixelmend_engine.weights import store

    if path is not None:
        return store.files_at(path)
    return store.here(registry.find(recipe.id), settings.resolve(os.environ).models_dir)
