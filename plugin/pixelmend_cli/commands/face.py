"""The command for faces: which of them, what becomes of the rest, and a list to choose from."""

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pixelmend.errors import BadRequest
from pixelmend_cli.commands.help_sections import TaskCommand
from pixelmend_cli.commands.restore import Options, log_to_stderr, run_task, task_options
from pixelmend_engine.catalog.faces import MIN_SIZE
from pixelmend_engine.catalog.options import ALL, MAX_UPSCALE, NONE

Command = TypeVar("Command", bound=Callable[..., Any])


def _joined(_context: click.Context, _option: click.Parameter, boxes: tuple[str, ...]) -> str:
    return ";".join(boxes)


FACE_OPTIONS = (
    click.option(
        "--list-faces",
        is_flag=True,
        help="Restore nothing: print the faces as JSON, and write a PNG that shows them.",
    ),
    click.option(
        "--faces",
        default=ALL,
        show_default=True,
        metavar="all|N,N...",
        help="Restore these faces alone, by their numbers in the list; 0 is the largest.",
    ),
    click.option(
        "--min-size",
        type=click.IntRange(1, 100_000),
        default=MIN_SIZE,
        show_default=True,
        metavar="PIXELS",
        help="Leave faces alone whose box is smaller than that.",
    ),
    click.option(
        "--aligned",
        is_flag=True,
        help="The picture is one upright face already: restore it whole, and look for none.",
    ),
    click.option(
        "--box",
        "boxes",
        multiple=True,
        metavar="X,Y,W,H",
        callback=_joined,
        help="A face is here, in pixels; may be given more than once. None are looked for then.",
    ),
    click.option(
        "--background",
        default=NONE,
        show_default=True,
        metavar="none|auto|MODEL",
        help="Restore the rest of the picture with this model; none: it stays as it is.",
    ),
    click.option(
        "--upscale",
        type=click.FloatRange(1, MAX_UPSCALE),
        default=1.0,
        show_default=True,
        metavar=f"1..{MAX_UPSCALE}",
        help="Make the picture so many times wider and higher.",
    ),
)


def face_options(command: Command) -> Command:
    """Adds the options that faces alone have."""
    for option in reversed(FACE_OPTIONS):
        command = option(command)
    return command


@click.command(cls=TaskCommand)
@task_options("face")
@face_options
def face(**options: Any) -> int:
    """Restores the faces in pictures, and leaves the rest as it is.

    Where a face changed noticeably, a line says so; --json has the figures. A picture without faces
    is an error (exit code 11), unless its background is restored. INPUT... and the results are as
    for deblur, with the suffix _faces; --list-faces writes PNG files with that suffix.
    """
    if options["aligned"] and (options["background"] != NONE or options["upscale"] != 1):
        raise BadRequest(
            "A face that is aligned has no background, and is not enlarged",
            hint="Leave out --background and --upscale, or --aligned",
        )
    return _list(options) if options["list_faces"] else run_task("face", "_faces", options)


def _list(options: Options) -> int:
    from pixelmend_cli import settings, targets
    from pixelmend_cli.download_bar import DownloadBar
    from pixelmend_cli.engines import InProcessEngine, Listener, RemoteEngine
    from pixelmend_cli.restore_files import Console, list_faces
    from pixelmend_engine.catalog import tasks
    from pixelmend_engine.restoration.task_request import FindFacesRequest

    log_to_stderr(verbose=options["verbose"], quiet=options["quiet"])
    config = settings.resolve(os.environ)
    planned = targets.plan(
        options["inputs"],
        output=options["output"],
        out_dir=options["out_dir"],
        suffix="_faces",
        ending=".png",
        recursive=options["recursive"],
    )
    parameters: Options = {name: options[name] for name in ("min_size", "device")}
    parameters["offline"] = options["offline"] or config.network.offline
    if options["out_dir"] is not None:
        targets.make_folder(options["out_dir"])
    console = Console(as_json=True, quiet=options["quiet"])
    with DownloadBar(quiet=options["quiet"], watched=sys.stderr.isatty()) as bar:
        listener = Listener(note=console.note, download=bar.report)
        if options["in_process"]:
            request = FindFacesRequest.of(parameters)
            engine = InProcessEngine(request, config.models_dir, config.network, listener)
        else:
            start = settings.launch_of(config)
            engine = RemoteEngine(config.paths, start, tasks.FIND_FACES, parameters, listener)
        return list_faces(engine, planned, console, overwrite=options["overwrite"])
