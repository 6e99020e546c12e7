"""The commands that make models: `train` and `contact-sheet`."""

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from pixelmend.errors import BadRequest, PackageMissing
from pixelmend_cli.terminal import print_line, print_path
from pixelmend_cli.training_run import base_files, pictures_at_once, teacher_files, weights

if TYPE_CHECKING:
    from pixelmend_engine.training.data.folders import TrainingFolder
    from pixelmend_engine.training.recipes.recipe import Recipe, StageNumber
    from pixelmend_engine.training.stage_spec import TrainingProgress

Command = TypeVar("Command", bound=Callable[..., Any])

RECIPE_HELP = (
    "compact, compact-tuned, -guided, -restore, -x4, -x2 or -fill, gopro, realblur, or a DiffIR or "
    "DiffBIR model's name (docs/training.md)."
)
NO_PERCEPTION = "none"


@contextlib.contextmanager
def needing_the_extra() -> Generator[None]:
    """Names the extra where one of its packages is missing.

    Raises:
        PackageMissing: One is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise PackageMissing(
            f"This command needs a package that is not installed: `{error.name}`",
            hint='Run `pip install -c constraints.txt ".[train]"` in a copy of the repository',
        ) from error


def seed_option(what: str) -> Callable[[Command], Command]:
    """Adds `--seed`, which says what is drawn with it."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**31),
        default=0,
        show_default=True,
        metavar="N",
        help=what,
    )


@click.command()
@click.option(
    "--family",
    type=click.Choice(["hidiff", "diffir", "diffbir"]),
    help="Take a recipe of this family, whose name --recipe may leave out.",
)
@click.option("--recipe", "recipe_id", default="compact", show_default=True, help=RECIPE_HELP)
@click.option(
    "--sharp",
    multiple=True,
    metavar="DIR[=WEIGHT]",
    help="Train on the sharp photographs in this folder; may be given more than once.",
)
@click.option(
    "--pairs",
    multiple=True,
    metavar="DIR[=WEIGHT]",
    help="Train on pairs, in folders named blur and sharp (or gt); may be given more than once.",
)
@click.option(
    "--out-dir",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Keep the run there: weights, logs, and what it goes on from.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out-dir.")
@click.option(
    "--stage",
    type=click.Choice(["all", "1", "2", "3"]),
    default="all",
    show_default=True,
    help="Train this stage alone.",
)
@click.option(
    "--teacher",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Begin later stages with these weights of stage 1.  [default: those in --out-dir; for "
    "DiffBIR else the model's own]",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Let stage 2 of DiffBIR stand on these weights, Stable Diffusion's among them.  "
    "[default: the model's, as installed]",
)
@click.option(
    "--captions",
    is_flag=True,
    help="Take what is on a picture from a text file of its name beside it, in stage 2 of DiffBIR.",
)
@click.option(
    "--pool",
    type=click.IntRange(1),
    metavar="N",
    help="Draw the crops of stage 2 of DiffBIR from so many, which are made once.  [default: 16 "
    "of each picture, at least 256, at most 50,000]",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path),
    metavar="DIR|MODEL",
    help="Begin stage 3 with these weights of stage 2; with --stage 2, go on with them, and in "
    "HI-Diff's case without a teacher, if none is given; DiffBIR's stages go on with them, or with "
    "an installed model's (v2.1).  [default: for stage 3, those in --out-dir]",
)
@click.option(
    "--discriminator",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Begin with this discriminator.  [default: random weights]",
)
@click.option(
    "--perception",
    metavar=f"FILE|{NO_PERCEPTION}",
    help="Compare pictures as this network sees them, VGG-19 or ADE20K's ResNet-50, where a recipe "
    f"asks for it; {NO_PERCEPTION} leaves that out.",
)
@click.option(
    "--steps",
    type=click.IntRange(2),
    metavar="N",
    help="Make the whole recipe so many steps long, all stages together.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    help="Take so many crops a step, where the recipe's do not fit into memory.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1),
    metavar="N",
    help="Compute so many crops of a step together, and then the next, where memory is short: "
    "the same step, of DiffBIR's recipes.  [default: as many as fit]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Stop after so many minutes, to be resumed.",
)
@seed_option("Draw first weights, crops and degradations with this seed.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu"]),
    default="auto",
    show_default=True,
    help="auto: on the GPU if there is one; `accelerate launch` takes several.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    default="auto",
    show_default=True,
    help="Compute the transformer with so many bits.",
)
@click.option("--compile", "compiled", is_flag=True, help="Compile the blocks first (a minute).")
@click.option(
    "--save-every",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Save, and look at the pictures kept back, after so many steps.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but results and errors.")
def train(
    family: Literal["hidiff", "diffir", "diffbir"] | None,
    recipe_id: str,
    sharp: tuple[str, ...],
    pairs: tuple[str, ...],
    out_dir: Path,
    resume: bool,
    stage: Literal["all", "1", "2", "3"],
    teacher: Path | None,
    base: Path | None,
    captions: bool,
    pool: int | None,
    start: Path | None,
    discriminator: Path | None,
    perception: str | None,
    steps: int | None,
    batch: int | None,
    at_once: int | None,
    minutes: float | None,
    seed: int,
    device: Literal["auto", "cpu"],
    precision: Literal["auto", "fp32", "bf16"],
    compiled: bool,
    save_every: int,
    quiet: bool,
) -> None:
    """Trains a model on your own photographs.

    Every tenth picture (by SHA-1 of its name) is kept back for validation and never trained on. The
    weights are written into DIR/stage2 (stage3 if there is one), where `--weights` of the other
    commands takes them from. A run that was stopped, or killed, goes on with --resume exactly as it
    would have.
    """
    from pixelmend_engine.inference import devices

    devices.use_huge_pages()
    devices.keep_memory()
    with needing_the_extra():
        from pixelmend_engine.training import loop
        from pixelmend_engine.training.recipes import registry
        from pixelmend_engine.training.run_folder import RunFolder
        from pixelmend_engine.training.stage_spec import RunSettings, StageSpec

    recipe = registry.find(recipe_id, family)
    if steps is not None:
        recipe = recipe.with_steps(steps)
    if batch is not None:
        recipe = recipe.with_batch_size(batch)
    if at_once is not None and not recipe.computes_in_parts:
        raise BadRequest(
            f"The recipe `{recipe.id}` looks at all crops of a step together",
            hint="Use --batch to take fewer",
        )
    if (base is not None or captions or pool is not None) and recipe.family != "diffbir":
        raise BadRequest(
            f"--base, --captions and --pool are for DiffBIR, not for `{recipe.id}`",
            hint="Leave them out",
        )
    numbers = _stage_numbers(recipe, stage)
    perceptual_weights = _perceptual_weights(recipe, numbers, perception)
    continues_stage_2 = start is not None and stage == "2"
    # Only a family whose second stage can do without a teacher takes a transformer into the first.
    takes_transformer = start is not None and stage == "1" and recipe.can_train_without_teacher
    goes_on = start is not None and recipe.family == "diffbir"
    if goes_on and stage == "all":
        raise BadRequest(
            "Weights to go on with are those of one stage", hint="Give --stage 1 or --stage 2"
        )
    if (
        start is not None
        and not (continues_stage_2 or takes_transformer or goes_on)
        and 3 not in numbers
    ):
        raise BadRequest(
            f"The recipe `{recipe_id}` begins no stage with weights of stage 2",
            hint="Give --stage 2 to go on with them",
        )
    # What goes on from a second stage may learn without a teacher, where the family can.
    without_teacher = continues_stage_2 and teacher is None and recipe.can_train_without_teacher
    training_folders = _training_folders(sharp, pairs)
    ends = time.monotonic() + (math.inf if minutes is None else minutes * 60)
    for number in numbers:
        folders = {past: RunFolder(out_dir / f"stage{past}") for past in (1, 2, 3)}
        folder = folders[number]
        needs_start = number > 2 or continues_stage_2 or takes_transformer or goes_on
        spec = StageSpec(
            recipe=recipe,
            number=number,
            folders=training_folders,
            seed=seed,
            teacher=teacher_files(recipe, teacher, folders[1])
            if number > 1 and not without_teacher
            else (),
            base=base_files(recipe, base) if number == 2 and recipe.family == "diffbir" else (),
            captions=captions,
            pool=pool if number == 2 else None,
            validation_side=512 if recipe.family == "diffbir" else 256,
            start=weights(start, folders[2]) if needs_start else (),
            discriminator=discriminator,
            perceptual_weights=perceptual_weights
            if recipe.stage(number).perceptual_network
            else None,
        )
        together = at_once
        if recipe.computes_in_parts:
            together = pictures_at_once(spec, at_once, device, precision, quiet=quiet)
        settings = RunSettings(
            device=device,
            precision=precision,
            compiled=compiled,
            at_once=together,
            minutes=max(0.0, ends - time.monotonic()) / 60,
            save_every=save_every,
        )
        # A later one of all stages was perhaps not begun yet when the run was stopped.
        resume_stage = resume and (number == numbers[0] or folder.state.exists())
        with _progress_bar(f"stage {number}", quiet=quiet) as report:
            finished = loop.train(spec, settings, folder, report, resume=resume_stage)
        # One of several processes speaks for all; their launchers number them so.
        speaks = os.environ.get("RANK", "0") == "0"
        if speaks:
            print_path(folder.path)
        if not finished:
            if speaks and not quiet:
                print_line("The time is over; --resume goes on", err=True)
            return


def _stage_numbers(recipe: "Recipe", stage: Literal["all", "1", "2", "3"]) -> "list[StageNumber]":
    numbers: list[StageNumber] = [1, 2, 3]
    numbers = numbers[: len(recipe.stages)]
    if stage == "all":
        return numbers
    one: list[StageNumber] = [number for number in numbers if str(number) == stage]
    if not one:
        raise BadRequest(
            f"The recipe `{recipe.id}` has no stage {stage}", hint=f"It has {len(numbers)} stages"
        )
    return one


def _perceptual_weights(
    recipe: "Recipe", numbers: "list[StageNumber]", option: str | None
) -> Path | None:
    """Finds the file of the network that compares pictures, if one is asked for and needed."""
    networks = (recipe.stage(number).perceptual_network for number in numbers)
    network = next((name for name in networks if name is not None), None)
    if network is None or option == NO_PERCEPTION:
        return None
    name = {"vgg19": "VGG-19 of ImageNet", "ade20k": "the dilated ResNet-50 of ADE20K"}[network]
    if option is None:
        raise BadRequest(
            f"The recipe `{recipe.id}` compares pictures as {name} sees them, which is not here",
            hint=f"Give its file with --perception FILE (docs/training.md says where it is), or "
            f"--perception {NO_PERCEPTION} to do without",
        )
    if not Path(option).is_file():
        raise BadRequest(f"There is no file `{option}`", hint="Check the path")
    return Path(option)


def _training_folders(sharp: Iterable[str], pairs: Iterable[str]) -> "tuple[TrainingFolder, ...]":
    from pixelmend_engine.training.data.folders import TrainingFolder

    folders = [TrainingFolder(kind="sharp", path=p, weight=w) for p, w in map(_weighted, sharp)]
    folders += [TrainingFolder(kind="pairs", path=p, weight=w) for p, w in map(_weighted, pairs)]
    if not folders:
        raise BadRequest("There is nothing to train on", hint="Give --sharp DIR or --pairs DIR")
    return tuple(folders)


def _weighted(text: str) -> tuple[Path, float]:
    """Reads `DIR` or `DIR=WEIGHT`."""
    path, weight = Path(text), 1.0
    folder, _, number = text.rpartition("=")
    if folder and not path.is_dir():  # a folder's own name may have that sign
        with contextlib.suppress(ValueError):
            path, weight = Path(folder), float(number)
    if not 0 < weight < math.inf:
        raise BadRequest(f"A folder's weight is above 0: `{text}`", hint="Leave the folder out")
    if not path.is_dir():
        raise BadRequest(f"There is no folder `{path}`", hint="Check the path")
    return path, weight


@contextlib.contextmanager
def _progress_bar(label: str, *, quiet: bool) -> "Generator[Callable[[TrainingProgress], None]]":
    """Shows a bar on a terminal; a line for each save elsewhere."""
    with contextlib.ExitStack() as opened:
        bar: Any = None  # click keeps the bar's class to itself

        def report(progress: "TrainingProgress") -> None:
            nonlocal bar
            if sys.stderr.isatty() and not quiet:
                if bar is None:
                    bar = opened.enter_context(
                        click.progressbar(length=progress.steps, label=label, file=sys.stderr)
                    )
                bar.label = f"{label}, {progress.images_per_s:.1f} images/s"
                bar.update(progress.step - bar.pos)
            elif progress.scores and not quiet:
                losses = ", ".join(f"{name} {v:.4f}" for name, v in progress.losses.items())
                print_line(
                    f"{label}: {progress.step}/{progress.steps}, losses: {losses}, validation "
                    f"{progress.scores['validation']:.2f} dB (input "
                    f"{progress.scores['input']:.2f}), {progress.images_per_s:.1f} images/s",
                    err=True,
                )
            if progress.health is not None and not quiet:
                print_line(f"{label}: {progress.health}", err=True)

        yield report


@click.command("contact-sheet")
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Write the sheet to this file (.png, .jpg).",
)
@click.option("--recipe", "recipe_id", default="compact", show_default=True, help=RECIPE_HELP)
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=11,
    show_default=True,
    metavar="N",
    help="Show so many, beside the sharp one.",
)
@seed_option("Draw the degradations with this seed.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
def contact_sheet(
    photo: Path, output: Path, recipe_id: str, count: int, seed: int, overwrite: bool
) -> None:
    """Shows what a recipe of `train` does to a photograph: the middle of it, N times."""
    with needing_the_extra():
        from pixelmend_engine.training.degradation_sheet import degradation_sheet
        from pixelmend_engine.training.recipes import registry

    degradation = registry.find(recipe_id).final_degradation
    sheet = degradation_sheet(photo, degradation, count=count, seed=seed)
    save_sheet(sheet, output, overwrite=overwrite)
    print_path(output)


def save_sheet(sheet: Any, path: Path, *, overwrite: bool) -> None:
    """Writes a contact sheet.

    Raises:
        BadRequest: The name ends as that of no picture does.
        PixelmendError: See `atomic_write`.
    """
    from pixelmend.atomic import atomic_write

    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise BadRequest(f"A sheet is no `{path.suffix}` file", hint="Name a .png or .jpg file")
    with atomic_write(path, overwrite=overwrite) as temporary:
        sheet.save(temporary)
