"""The command line: options in, results on stdout, everything else on stderr."""

import dataclasses
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

from pixelmend import __version__, data_folder
from pixelmend.errors import Canceled, EngineUnavailable, OutputFailed, PixelmendError, to_json
from pixelmend.paths import Paths
from pixelmend_cli.commands import evaluate, train
from pixelmend_cli.commands.batch import batch
from pixelmend_cli.commands.face import face
from pixelmend_cli.commands.models import models
from pixelmend_cli.commands.restore import COMMANDS
from pixelmend_cli.commands.settings import settings as settings_command
from pixelmend_cli.commands.setup import setup
from pixelmend_cli.terminal import (
    StreamFailed,
    forget_streams,
    prepare_streams,
    print_error,
    print_json,
    print_line,
    print_lines,
)

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pixelmend", message="%(prog)s %(version)s")
def cli() -> None:
    """Restores photographs with diffusion models, on your own computer."""


@cli.command()
@click.option("--foreground", is_flag=True, help="Stay in this terminal, and log to it as well.")
def serve(foreground: bool) -> int:
    """Starts the engine, which commands and editors otherwise start when they need it."""
    from pixelmend.client import launch
    from pixelmend_cli import settings

    user_settings = settings.resolve(os.environ)
    if not foreground:
        client = launch.find_or_start(
            user_settings.paths,
            settings.launch_of(user_settings),
            front_end="the command line",
            tell=lambda words: print_line(words, err=True),
        )
        print_line(f"The engine is running (process {client.health()['pid']})")
        return 0
    command = [
        *launch.command(user_settings.paths, settings.launch_of(user_settings)),
        "--foreground",
    ]
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
    """Says whether the engine is running, and what it does.

    Exit code 1: it is not. Exit code 8: it is, and does not answer.
    """
    from pixelmend.client import launch
    from pixelmend_cli import settings

    try:
        client = launch.find_surely(settings.resolve(os.environ).paths)
        health = client.health() if client else None
        jobs = client.jobs() if client else []
    except EngineUnavailable as error:
        if not as_json:
            raise
        print_json({"engine": None, "jobs": [], "error": to_json(error)})
        return error.exit_code
    if as_json:
        print_json({"engine": health, "jobs": jobs})
    elif health is None:
        print_line("No engine is running")
    else:
        print_line(f"Version {health['version']} is running (process {health['pid']})")
        for job in jobs:
            whom = f" for {job['front_end']}" if job.get("front_end") else ""
            print_line(f"job {job['id']}: {job['phase']}, {job.get('task', 'a picture')}{whom}")
    return 0 if health else 1


@engine.command("stop")
@click.option("--force", is_flag=True, help="End the process of an engine that does not answer.")
def engine_stop(force: bool) -> None:
    """Ends the engine; what it is doing is canceled."""
    from pixelmend.client import launch
    from pixelmend_cli import settings
    from pixelmend_cli.engines import end_by_force

    paths = settings.resolve(os.environ).paths
    try:
        stopped = launch.stop(paths)
    except EngineUnavailable:
        if not force or not end_by_force(paths):
            raise
        stopped = True
    print_line("The engine was stopped" if stopped else "No engine is running")


@engine.command("logs")
def engine_logs() -> None:
    """Prints what the engine has logged, the oldest first."""
    from pixelmend_cli import settings

    paths = settings.resolve(os.environ).paths
    log = paths.log
    files = [*sorted(log.parent.glob(f"{log.name}*"), reverse=True), paths.start_log]
    for file in (file for file in files if file.exists()):
        print_lines(file.read_text(encoding="utf-8", errors="replace"))


for command in (
    face,
    *COMMANDS,
    batch,
    models,
    settings_command,
    setup,
    train.train,
    evaluate.evaluate,
    train.contact_sheet,
):
    cli.add_command(command)


@cli.command()
@click.argument("editor", type=click.Choice(["gimp", "krita"]), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def doctor(editor: str | None, as_json: bool) -> int:
    """Checks what Pixelmend needs on this computer, and says what it found.

    `doctor gimp` says why the menu may be missing in GIMP, `doctor krita` why the docker may be in
    Krita.
    """
    from pixelmend_cli import settings
    from pixelmend_cli.setup import gimp_diagnosis, krita_diagnosis
    from pixelmend_cli.setup.install import Computer
    from pixelmend_engine.doctor import examine

    if editor is None:
        findings = examine(settings.resolve(os.environ).models_dir)
    elif editor == "gimp":
        findings = gimp_diagnosis.examine(Computer(environ=os.environ))
    else:
        findings = krita_diagnosis.examine(Computer(environ=os.environ))
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings], indent=2)
    else:
        for finding in findings:
            print_line(f"{'ok' if finding.hint is None else '!!'}  {finding.name}: {finding.value}")
            if finding.hint is not None:
                print_line(f"      {finding.hint}")
    return 0 if all(finding.hint is None for finding in findings) else 1


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line and ends the process with the exit code of what happened."""
    # Ended from outside, the command cleans up as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    prepare_streams()
    try:
        code = _exit_code(arguments) or 0
    except StreamFailed:  # not even an error can be told
        code = OutputFailed.exit_code
    forget_streams()
    sys.exit(code)


def _exit_code(arguments: list[str] | None) -> int | None:
    try:
        # Patterns are ours to expand: click would take a file named `a[1].jpg` for one.
        return cli.main(
            arguments, prog_name="pixelmend", standalone_mode=False, windows_expand_args=False
        )
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        print_lines(text.getvalue(), err=True)
        return error.exit_code
    except PixelmendError as error:
        print_error(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        canceled = Canceled("Canceled", hint="What was finished before is kept")
        print_error(canceled)
        return canceled.exit_code
    except BrokenPipeError:
        raise  # nobody reads any more
    except StreamFailed as error:
        failed = OutputFailed(
            f"What there is to say can't be written: {error.strerror or error}",
            hint="Make room where the output goes, or send it elsewhere; finished results are kept",
        )
        print_error(failed)
        return failed.exit_code
    except Exception as error:  # noqa: BLE001 - a door: a bug of ours is told as one
        internal = _logged(error)
        print_error(internal)
        return internal.exit_code


def _logged(error: Exception) -> PixelmendError:
    from pixelmend_cli import settings

    log = data_folder.report(Paths(settings.data_dir(os.environ)), error)
    return PixelmendError(
        "Pixelmend failed for a reason that nobody expected",
        hint=f"Please report it; `{log}` shows what happened",
    )
