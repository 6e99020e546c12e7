"""The command that measures models: `evaluate`."""

import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pixelmend.errors import BadRequest
from pixelmend_cli.commands.restore import device_option
from pixelmend_cli.commands.train import needing_the_extra, save_sheet, seed_option
from pixelmend_cli.terminal import print_json, print_line

if TYPE_CHECKING:
    from pixelmend_engine.inference.tiled_inference import LoadedModel
    from pixelmend_engine.training.evaluation.evaluation import Figures, Summary

EvaluatedTask = Literal["deblur", "restore", "denoise", "upscale", "inpaint"]
Folder = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.option(
    "-n",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="Measure this model; may be given more than once.  [default: auto]",
)
@click.option(
    "--weights",
    "own",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Measure the weights in this folder (or one file); may be given more than once.",
)
@click.option("--pairs", type=Folder, metavar="DIR", help="Compare with the pairs in this folder.")
@click.option(
    "--sharp", type=Folder, metavar="DIR", help="Blur the pictures in this folder, and compare."
)
@click.option(
    "--kernels", type=Folder, metavar="DIR", help="Blur with the kernels drawn in these pictures."
)
@click.option(
    "--shake",
    nargs=2,
    type=click.FloatRange(0, 100),
    default=(3.0, 15.0),
    show_default=True,
    metavar="MIN MAX",
    help="Blur as a hand that moved by so many pixels; 0 0 leaves the pictures sharp.",
)
@click.option(
    "--noise",
    type=click.FloatRange(0, 255),
    default=2.0,
    show_default=True,
    metavar="SIGMA",
    help="Add noise, on a scale to 255.",
)
@click.option(
    "--damage",
    metavar="KIND",
    help="Damage the pictures in another way than by shake: gaussian-10, -25 or -50, photon, "
    "jpeg-20 or -40, mixed, scan, frames, soft (which should stay so), or none; for upscale x2, "
    "x4, worn-x2 or worn-x4; for inpaint scratches, specks, wires or tear.",
)
@click.option(
    "--task",
    type=click.Choice(["deblur", "restore", "denoise", "upscale", "inpaint"]),
    default="deblur",
    show_default=True,
    help="Measure the models of this task.",
)
@click.option("--kept-back", is_flag=True, help="Take the pictures alone that `train` keeps back.")
@seed_option("Blur, add noise and restore with this seed.")
@click.option("--no-baselines", is_flag=True, help="Leave out what can be done without a model.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Show the five pictures that the first model did least for.",
)
@device_option
@click.option("--overwrite", is_flag=True, help="Replace a sheet that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and no table.")
@click.option("-q", "--quiet", is_flag=True, help="Print the table of the means alone.")
def evaluate(
    models: tuple[str, ...],
    own: tuple[Path, ...],
    pairs: Path | None,
    sharp: Path | None,
    kernels: Path | None,
    shake: tuple[float, float],
    noise: float,
    damage: str | None,
    task: EvaluatedTask,
    kept_back: bool,
    seed: int,
    no_baselines: bool,
    sheet: Path | None,
    device: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measures how much better models make pictures whose original is known.

    PSNR and SSIM are those of the papers on deblurring: over RGB, in 8 bit, nothing cut off. Gains
    are against the input; of upscale against Lanczos, of inpaint against biharmonic filling, where
    PSNR is that of the holes.
    """
    with needing_the_extra():
        from pixelmend_engine.training.data import folders
        from pixelmend_engine.training.evaluation import (
            cases,
            damages,
            evaluated_priors,
            evaluation,
            methods,
        )

    if (pairs is None) == (sharp is None):
        raise BadRequest("Give either --pairs or --sharp", hint="`pixelmend evaluate --help`")
    if shake[0] > shake[1]:
        raise BadRequest(
            "The shortest shake is longer than the longest", hint="Give the shorter one first"
        )
    if damage is not None and damage not in damages.DAMAGES:
        raise BadRequest(
            f"There is no damage `{damage}`", hint=f"There are {', '.join(damages.DAMAGES)}"
        )
    if damage is not None and sharp is None:
        raise BadRequest(
            "Pairs are damaged already", hint="Give sharp pictures with --sharp, or no --damage"
        )
    damaged_task = "restore" if damage is None else damages.damaged_task(damage)
    if damaged_task != (task if task in ("upscale", "inpaint") else "restore"):
        fitting = [kind for kind in damages.DAMAGES if damages.damaged_task(kind) == task]
        hint = f"For {task} there are {', '.join(fitting)}" if fitting else f"--task {damaged_task}"
        raise BadRequest(f"The task {task} does not undo this damage", hint=hint)
    scale = 1 if damage is None else damages.damaged_scale(damage)
    loaded = _load(task, scale, models, own, device)
    measured = [methods.model_method(name, model, seed, task) for name, model in loaded.items()]
    probes = evaluated_priors.probes(loaded)
    if not no_baselines and damaged_task == "restore":
        measured += methods.baseline_methods(seed) if damage is None else methods.noise_baselines()
    blur = cases.BlurSettings(
        length=shake,
        noise=noise,
        kernels=() if kernels is None else cases.read_kernels(kernels),
        seed=seed,
    )
    originals = folders.TrainingFolder(
        kind="pairs" if pairs else "sharp", path=pairs or sharp or Path()
    ).pairs()
    if kept_back:
        originals = folders.split(originals)[1]
    count = len(originals)
    watched = evaluated_priors.watched(
        (
            cases.make_case(pair, blur)
            if damage is None
            else damages.damaged_case(pair, damage, seed)
            for pair in originals
        ),
        probes,
    )
    run = evaluation.Evaluation(measured, methods.REFERENCES.get(task, methods.INPUT))
    hidden = quiet or not sys.stderr.isatty()
    for number, figures in enumerate(run.run(watched), start=1):
        if not hidden:
            print_line(f"{number}/{count} {figures.name}", err=True)
    summary = evaluation.summarize(run.figures)
    priors = {name: health for name, probe in probes.items() if (health := probe.health())}
    if sheet is not None:
        save_sheet(run.worst_sheet(), sheet, overwrite=overwrite)
    if as_json:
        facts: dict[str, Any] = {
            "seed": seed,
            "pictures": [dataclasses.asdict(f) for f in run.figures],
            "priors": {name: dataclasses.asdict(health) for name, health in priors.items()},
        }
        if damage is not None:
            facts |= {"damage": damage}
        elif sharp is not None:
            facts |= {"noise": noise, "shake": None if kernels else shake}
        print_json(facts | {"means": [dataclasses.asdict(s) for s in summary]})
        return
    if not quiet:
        _print_pictures(run.figures)
    _print_means(summary)
    for name, health in priors.items():
        print_line(f"{name}: {health}")


def _load(
    task: EvaluatedTask, scale: int, models: tuple[str, ...], own: tuple[Path, ...], device: str
) -> "dict[str, LoadedModel]":
    from pixelmend_cli import settings
    from pixelmend_engine.restoration.model_choice import ModelChoice
    from pixelmend_engine.restoration.session import AUTO, Session

    if not models and not own:
        models = (AUTO,)
    asked = ModelChoice(task=task, scale=float(scale), device=device)
    choices = {name: dataclasses.replace(asked, model=name) for name in models}
    choices |= {str(path): dataclasses.replace(asked, weights=path) for path in own}
    models_dir = settings.resolve(os.environ).models_dir
    loaded: dict[str, LoadedModel] = {}
    for name, choice in choices.items():
        model = Session(models_dir).load(choice)
        loaded[model.spec.id if name == AUTO else name] = model
    return loaded


def _print_pictures(figures: "list[Figures]") -> None:
    for entry in figures:
        print_line(entry.name)
        for method, psnr in entry.psnr.items():
            print_line(f"  {psnr:6.2f} dB  {entry.ssim[method]:.4f}  {method}")
    print_line()


def _print_means(summary: "list[Summary]") -> None:
    print_line("  PSNR    SSIM    gain   worst  method")
    for row in summary:
        print_line(
            f"{row.psnr:6.2f}  {row.ssim:.4f}  {row.gain:+6.2f}  {row.worst_gain:+6.2f}  "
            f"{row.method} (worst: {row.worst})"
        )
