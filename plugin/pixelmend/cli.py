"""The command line: options in, results on stdout, everything else on stderr."""

import dataclasses
import json
import logging
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, TypeVar, Unpack

import click

from pixelmend import __version__, training_cli
from pixelmend.errors import Canceled, PixelmendError
from pixelmend.models_cli import models
from pixelmend.setup_cli import setup

if TYPE_CHECKING:
    from pixelmend_engine.catalog.spec import Task
    from pixelmend_engine.session import Precision

Command = TypeVar("Command", bound=Callable[..., Any])

MAX_SEED = 2**63 - 1  # what torch's generators take


class TileType(click.ParamType["int | str"]):
    """`auto`, 0, or a side in pixels."""

    name = "tile"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Turns the text into pixels, unless it is `auto`."""
        from pixelmend_engine.catalog.spec import MIN_TILE

        text = str(value)
        if text == "auto":
            return text
        if not text.isdecimal() or 0 < int(text) < MIN_TILE:
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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pixelmend", message="%(prog)s %(version)s")
def cli() -> None:
    """Restores photographs with diffusion models, on your own computer."""


def task_options(command: Command) -> Command:
    """Adds the options that every task has."""
    options = [
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
        click.option(
            "-n",
            "--model",
            default="auto",
            show_default=True,
            metavar="MODEL",
            help="Restore with this model; auto takes the best, and downloads it on first use.",
        ),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Take the model's weights from this folder (or one file).",
        ),
        click.option(
            "--device",
            default="auto",
            show_default=True,
            envvar="PIXELMEND_DEVICE",
            metavar="auto|cuda|cuda:N|cpu",
            help="Compute there; auto takes the first GPU, else the CPU.",
        ),
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
        click.option(
            "--mask",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Restore what is white in this picture, and leave alone what is black.",
        ),
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
            "--in-process",
            is_flag=True,
            help="Compute in this process and leave no engine behind (always so with --weights).",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but results and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Print what the engine logs."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class TaskOptions(TypedDict):
    """The options that every task has, as click hands them over."""

    inputs: tuple[str, ...]
    output: Path | None
    out_dir: Path | None
    model: str
    weights: Path | None
    device: str
    precision: "Precision"
    seed: int
    tile: int | str
    strength: float
    mask: Path | None
    no_provenance: bool
    offline: bool
    overwrite: bool
    in_process: bool
    as_json: bool
    quiet: bool
    verbose: bool


@cli.command()
@task_options
def deblur(**options: Unpack[TaskOptions]) -> int:
    """Sharpens pictures that shake, movement or missed focus has blurred.

    INPUT... are JPEG, PNG, TIFF, WebP, AVIF or JPEG XL files, or patterns of such. The result is
    written beside its input, with the suffix _deblurred, unless -o or --out-dir says otherwise. One
    file that can't be restored does not stop the others; the exit code is that of the first error.
    Results of an earlier run are left out where their inputs are given as well.
    """
    return _run("deblur", "_deblurred", options)


cli.add_command(models)


@cli.command()
@click.option("--foreground", is_flag=True, help="Stay in this terminal, and log to it as well.")
def serve(foreground: bool) -> int:
    """Starts the engine, which commands and editors otherwise start when they need it."""
    from pixelmend import launch, settings

    found = settings.resolve(os.environ)
    if not foreground:
        client = launch.find_or_start(found.paths, settings.launch_of(found))
        click.echo(f"The engine is running (process {client.health()['pid']})")
        return 0
    command = [*launch.command(found.paths, settings.launch_of(found)), "--foreground"]
    if os.name != "nt":
        # In our place, so that whoever ends us ends the engine, and in good order.
        os.execv(command[0], command)
    with subprocess.Popen(command) as process:
        return process.wait()


@cli.group()
def engine() -> None:
    """Shows and ends the engine that runs in the background."""


@engine.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def engine_status(as_json: bool) -> int:
    """Says whether the engine is running, and what it does; exit code 1: it is not."""
    from pixelmend import launch, settings

    client = launch.find(settings.resolve(os.environ).paths)
    health = client.health() if client else None
    jobs = client.jobs() if client else []
    if as_json:
        click.echo(json.dumps({"engine": health, "jobs": jobs}))
    elif health is None:
        click.echo("No engine is running")
    else:
        click.echo(f"Version {health['version']} is running (process {health['pid']})")
        for job in jobs:
            click.echo(f"job {job['id']}: {job['phase']}")
    return 0 if health else 1


@engine.command("stop")
def engine_stop() -> None:
    """Ends the engine; what it is doing is canceled."""
    from pixelmend import launch, settings

    stopped = launch.stop(settings.resolve(os.environ).paths)
    click.echo("The engine was stopped" if stopped else "No engine is running")


@engine.command("logs")
def engine_logs() -> None:
    """Prints what the engine has logged, the oldest first."""
    from pixelmend import settings

    log = settings.resolve(os.environ).paths.log
    files = [*sorted(log.parent.glob(f"{log.name}*"), reverse=True), log.with_suffix(".start")]
    for file in (file for file in files if file.exists()):
        click.echo(file.read_text(encoding="utf-8", errors="replace"), nl=False)


for command in (setup, training_cli.train, training_cli.evaluate, training_cli.contact_sheet):
    cli.add_command(command)


@cli.command()
@click.argument("editor", type=click.Choice(["gimp", "krita"]), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def doctor(editor: str | None, as_json: bool) -> int:
    """Checks what Pixelmend needs on this computer, and says what it found.

    `doctor gimp` says why the menu may be missing in GIMP, `doctor krita` why the docker may be in
    Krita.
    """
    from pixelmend import gimp_checkup, krita_checkup, settings
    from pixelmend.install import Computer
    from pixelmend_engine.doctor import examine

    if editor is None:
        findings = examine(settings.resolve(os.environ).models_dir)
    elif editor == "gimp":
        findings = gimp_checkup.examine(Computer(environ=os.environ))
    else:
        findings = krita_checkup.examine(Computer(environ=os.environ))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok' if finding.hint is None else '!!'}  {finding.name}: {finding.value}")
            if finding.hint is not None:
                click.echo(f"      {finding.hint}")
    return 0 if all(finding.hint is None for finding in findings) else 1


def _run(task: "Task", suffix: str, options: TaskOptions) -> int:
    from pixelmend import settings, targets
    from pixelmend.inprocess import InProcess
    from pixelmend.remote import Remote
    from pixelmend.run import Files, Output, run
    from pixelmend.transfer import Transfer
    from pixelmend_engine.session import Choice, check

    _log_to_stderr(verbose=options["verbose"], quiet=options["quiet"])
    planned = targets.plan(
        options["inputs"], output=options["output"], out_dir=options["out_dir"], suffix=suffix
    )
    choice = Choice(
        task=task,
        model=options["model"],
        weights=options["weights"],
        device=options["device"],
        precision=options["precision"],
    )
    found = settings.resolve(os.environ)
    # Sent with the job, because the engine may have been started with other settings.
    offline = options["offline"] or found.network.offline
    chosen = {"seed": options["seed"], "tile": options["tile"], "strength": options["strength"]}
    chosen["offline"] = offline
    check(choice, found.models_dir, offline=offline)  # told before anything is begun
    if options["out_dir"] is not None:
        targets.make_folder(options["out_dir"])
    output = Output(as_json=options["as_json"], quiet=options["quiet"])
    # Paths do not cross the engine's API, so weights of the user's own are loaded here.
    files = Files(
        mask=options["mask"],
        overwrite=options["overwrite"],
        provenance=not options["no_provenance"],
    )
    with Transfer(quiet=options["quiet"], watched=sys.stderr.isatty()) as transfer:
        if options["in_process"] or options["weights"] is not None:
            engine = InProcess(choice, found.models_dir, chosen, found.network, transfer.report)
        else:
            chosen |= {name: options[name] for name in ("model", "device", "precision")}
            start = settings.launch_of(found)
            engine = Remote(found.paths, start, task, chosen, output.note, transfer.report)
        return run(engine, planned, output, files)


def _log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    for library in ("PIL", "tifffile", "urllib3"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what they say, we say
    logging.basicConfig(stream=sys.stderr, level=level, format="%(name)s: %(message)s")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line and ends the process with the exit code of what happened."""
    # Ended from outside, the command cleans up as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(_exit_code(arguments) or 0)


def _exit_code(arguments: list[str] | None) -> int | None:
    try:
        # Patterns are ours to expand: click would take a file named `a[1].jpg` for one.
        return cli.main(
            arguments, prog_name="pixelmend", standalone_mode=False, windows_expand_args=False
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PixelmendError as error:
        _say(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        canceled = Canceled("Canceled", hint="What was finished before is kept")
        _say(canceled)
        return canceled.exit_code


def _say(error: PixelmendError) -> None:
    click.echo(f"{error.message}\n  {error.hint}", err=True)
