"""The commands that restore pictures, one for each task: their options are the engine's."""

import dataclasses
import logging
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pixelmend.errors import BadRequest
from pixelmend.printable import PrintableFormatter
from pixelmend_cli.commands.help_sections import ModelOption, TaskCommand
from pixelmend_engine.catalog.options import AUTO, MAX_SCALE, MAX_SEED, Schema, of_task
from pixelmend_engine.catalog.spec import MIN_TILE, Task

if TYPE_CHECKING:
    from pixelmend_cli.restore_files import Console
    from pixelmend_cli.standard_streams import Named
    from pixelmend_cli.targets import Target

Command = TypeVar("Command", bound=Callable[..., Any])
Options = dict[str, Any]  # as click hands them over

PIXELS = re.compile("[0-9]{1,9}")  # of thousands of digits Python makes no number
ALPHA = "alpha"  # the word for a mask that is the picture's own transparency


class TileType(click.ParamType["int | str"]):
    """`auto`, 0, or a side in pixels."""

    name = "tile"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Turns the text into pixels, unless it is `auto`."""
        text = str(value)
        if text == "auto":
            return text
        if not PIXELS.fullmatch(text) or 0 < int(text) < MIN_TILE:
            self.fail(f"{text!r} is none of auto, 0 and a side from {MIN_TILE} up.", param, ctx)
        return int(text)


class ShareType(click.FloatRange):
    """A number from 0 to 1; NaN, which no comparison excludes, is none."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Turns the text into a number."""
        share = float(super().convert(value, param, ctx))  # pyright: ignore[reportArgumentType]
        if math.isnan(share):
            self.fail(f"{value!r} is no number from 0 to 1.", param, ctx)
        return share


class ScaleType(click.ParamType["float | str"]):
    """`auto`, or how many times larger."""

    name = "scale"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Turns the text into a number, unless it is `auto`."""
        if value == AUTO:
            return AUTO
        try:
            scale = float(str(value))
        except ValueError:
            scale = math.nan
        if not 1 <= scale <= MAX_SCALE:
            self.fail(f"{value!r} is none of auto and a number from 1 to {MAX_SCALE}.", param, ctx)
        return scale


_SCALE = click.option(
    "-s",
    "--scale",
    type=ScaleType(),
    metavar="auto|N",
    default=AUTO,
    show_default=True,
    help=f"Make the picture so many times wider and higher, {MAX_SCALE} at most, as far as the "
    "model can; auto: as many as the model does, or 4.",
)


def _alpha_or_path(
    context: click.Context, option: click.Parameter, value: str | None
) -> Path | None:
    # None: the picture's own transparency, or its infrared channel. A file of that name is
    # `./alpha`.
    infrared = context.params.get("dust_from_infrared", False)
    if value is None and not infrared:
        raise click.MissingParameter(ctx=context, param=option)
    if value is not None and infrared:
        raise click.UsageError("Both --mask and --dust-from-infrared were given.", context)
    if value is None:
        return None
    return None if value == ALPHA else Path(value)


def _mask(task: Task) -> Callable[[Command], Command]:
    if task == "inpaint":
        return click.option(
            "--mask",
            type=click.Path(),
            callback=_alpha_or_path,
            metavar="FILE|alpha",
            help="Fill what is white in this picture; alpha: what is transparent in the input.",
        )
    return click.option(
        "--mask",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Restore what is white in this picture, and leave alone what is black.",
    )


def _special(name: str, schema: Schema) -> Callable[[Command], Command]:
    # An option that only some models take, as its schema has it.
    least, most = schema.get("minimum"), schema.get("maximum")
    kinds: dict[str, Any] = {
        "integer": click.IntRange(least, most),
        "number": click.FloatRange(least, most),
        "boolean": bool,
        "string": str,
    }
    kind = click.Choice(schema["enum"]) if "enum" in schema else kinds[schema["type"]]
    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        type=kind,
        default=schema["default"],
        show_default=schema["default"] != "",
        help=f"{schema['description']}.",
        cls=ModelOption,
        models=schema["models"],
    )


device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    envvar="PIXELMEND_DEVICE",
    metavar="auto|cuda|cuda:N|cpu",
    help="Compute there; auto takes the first GPU, else the CPU.",
)


def computing_options(task: Task) -> list[Callable[[Any], Any]]:
    """Lists the options that say what a task's model is, and how it computes."""
    return [
        click.option(
            "-n",
            "--model",
            default="auto",
            show_default=True,
            metavar="MODEL",
            help="Restore with this model; auto takes the best, and downloads it on first use.",
        ),
        *([_SCALE] if task == "upscale" else []),
        *(_special(name, schema) for name, schema in of_task(task).items() if "models" in schema),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Take the model's weights from this folder (or one file).",
        ),
        device_option,
        click.option(
            "--precision",
            type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
            default="auto",
            show_default=True,
            help="Compute with so many bits; auto suits the device.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, MAX_SEED),
            metavar="N",
            default=0,
            show_default=True,
            help="Start from this noise; another number gives a slightly different result.",
        ),
        click.option(
            "--tile",
            type=TileType(),
            metavar="auto|0|N",
            default="auto",
            show_default=True,
            help="Cut large pictures into tiles of at most N pixels a side, 192 or more; "
            "0: never cut; auto: as memory allows.",
        ),
        click.option(
            "--strength",
            type=ShareType(),
            metavar="0..1",
            default=1.0,
            show_default=True,
            help="0 keeps the picture, 1 takes the restored one.",
        ),
    ]


def task_options(task: Task) -> Callable[[Command], Command]:
    """Adds the options that every task has, and those of this one."""
    options: list[Callable[[Any], Any]] = [
        click.argument("inputs", nargs=-1, required=True, metavar="INPUT..."),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write the result to this file.",
        ),
        click.option(
            "--out-dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Write the results into this folder (made if need be).",
        ),
        *computing_options(task),
        _mask(task),
        click.option(
            "--no-provenance",
            is_flag=True,
            help="Do not say in the result's metadata that it was restored, and how.",
        ),
        click.option(
            "--offline",
            is_flag=True,
            help="Download nothing: do with the models that are on this computer.",
        ),
        click.option("--overwrite", is_flag=True, help="Replace files that are there already."),
        click.option(
            "--skip-existing",
            is_flag=True,
            help="Leave out pictures whose result is there already.",
        ),
        click.option(
            "--recursive", is_flag=True, help="Take the pictures in a folder's folders as well."
        ),
        click.option(
            "--in-process",
            is_flag=True,
            help="Compute in this process and leave no engine behind (always so with --weights).",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but results and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Print what the engine logs."),
    ]

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.command(cls=TaskCommand)
@task_options("deblur")
def deblur(**options: Any) -> int:
    """Sharpens pictures that shake, movement or missed focus has blurred.

    INPUT... are pictures of any usual kind, camera raw among them, patterns of such, folders, or -
    for standard input, whose result goes to standard output. The result is written beside its
    input, with the suffix _deblurred, unless -o or --out-dir says otherwise. One file that can't be
    restored does not stop the others; the exit code is that of the first error. Results of an
    earlier run are left out where their inputs are given as well.
    """
    return run_task("deblur", "_deblurred", options)


@click.command(cls=TaskCommand)
@task_options("restore")
def restore(**options: Any) -> int:
    """Restores pictures whose damage is of no one kind: blur, noise, and what JPEG left behind.

    The size stays. INPUT... and the results are as for deblur, with the suffix _restored.
    """
    return run_task("restore", "_restored", options)


@click.command(cls=TaskCommand)
@task_options("denoise")
def denoise(**options: Any) -> int:
    """Takes the noise out of pictures, and makes up the detail that it hid.

    INPUT... and the results are as for deblur, with the suffix _denoised.
    """
    return run_task("denoise", "_denoised", options)


@click.command(cls=TaskCommand)
@task_options("upscale")
def upscale(**options: Any) -> int:
    """Enlarges pictures that are too small, and makes up the detail that they lack.

    Transparency is enlarged as well; the resolution (DPI) grows with the picture, so that it prints
    at its old size. INPUT... and the results are as for deblur, with the suffix _x4, or whatever
    the scale is.
    """
    return run_task("upscale", "_x{scale:g}", options)


@click.command(cls=TaskCommand)
@task_options("inpaint")
@click.option(
    "--dust-from-infrared",
    is_flag=True,
    is_eager=True,
    help="Fill dust and scratches, found in the infrared channel of a film scan (RGBI TIFF).",
)
def inpaint(**options: Any) -> int:
    """Fills holes: what the mask marks is made up, to fit what is around it.

    All else stays to the bit. Where the mask is gray, what is made up blends with the picture; with
    --mask alpha it is laid under the picture. INPUT... and the results are as for deblur, with the
    suffix _filled.
    """
    return run_task("inpaint", "_filled", options)


COMMANDS = (deblur, restore, denoise, upscale, inpaint)


def run_task(task: Task, suffix: str, options: Options) -> int:
    """Restores the pictures that a command names; returns its exit code."""
    from pixelmend_cli import download_prompt, settings, standard_streams, targets
    from pixelmend_cli.download_bar import DownloadBar
    from pixelmend_cli.engines import InProcessEngine, Listener, RemoteEngine
    from pixelmend_cli.restore_files import Console, FileOptions, restore_all
    from pixelmend_engine.catalog import tasks
    from pixelmend_engine.restoration.model_choice import check
    from pixelmend_engine.restoration.task_request import TaskRequest

    log_to_stderr(verbose=options["verbose"], quiet=options["quiet"])
    config = settings.resolve(os.environ)
    parameters = {name: options[name] for name in of_task(task) if name != "downloads"}
    # Sent with the job, because the engine may have been started with other settings.
    parameters["offline"] = options["offline"] or config.network.offline
    request = TaskRequest.of({"task": task, **parameters}, options["weights"])
    console = Console(as_json=options["as_json"], quiet=options["quiet"])
    with standard_streams.as_files(
        options["inputs"],
        options["output"],
        out_dir=options["out_dir"],
        as_json=options["as_json"],
    ) as named:
        planned = _plan(named, suffix.format_map(request.options), options, console)
        # Told before anything is begun.
        check(
            request.model,
            config.models_dir,
            offline=request.options["offline"],
            selected=options["mask"] is not None or options.get("dust_from_infrared", False),
        )
        if options["weights"] is None:
            silent = options["quiet"] or options["as_json"]
            parameters = download_prompt.with_downloads(task, parameters, config, silent=silent)
            request = TaskRequest.of({"task": task, **parameters})
        for folder in {target.result.parent for target in planned} if options["out_dir"] else ():
            targets.make_folder(folder)
        files = FileOptions(
            mask=options["mask"],
            dust=options.get("dust_from_infrared", False),
            overwrite=options["overwrite"],
            scale=tasks.result_scale(request.options),
            provenance=not options["no_provenance"],
        )
        console = dataclasses.replace(console, paths=not named.printed)
        with DownloadBar(quiet=options["quiet"], watched=sys.stderr.isatty()) as bar:
            listener = Listener(note=console.note, download=bar.report)
            # Paths do not cross the engine's API, so weights of the user's own are loaded here.
            if options["in_process"] or options["weights"] is not None:
                engine = InProcessEngine(request, config.models_dir, config.network, listener)
            else:
                start = settings.launch_of(config)
                engine = RemoteEngine(config.paths, start, task, parameters, listener)
            return restore_all(engine, planned, console, files)


def _plan(named: "Named", suffix: str, options: Options, console: "Console") -> "list[Target]":
    from pixelmend_cli import targets

    if options["skip_existing"] and options["overwrite"]:
        raise BadRequest("Both --skip-existing and --overwrite were given", hint="Give one of them")
    planned = targets.plan(
        named.inputs,
        output=named.output,
        out_dir=options["out_dir"],
        suffix=suffix,
        recursive=options["recursive"],
    )
    if options["skip_existing"]:
        left = targets.without_done(planned)
        if len(left) < len(planned):
            console.note(f"{len(planned) - len(left)} skipped: their results are there already")
        planned = left
    return planned


def log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    """Lets what the engine's modules log in this process go to stderr."""
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    for library in ("PIL", "tifffile", "urllib3"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what they say, we say
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
