"""The command for a whole archive, which remembers what is done."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pixelmend.errors import BadRequest
from pixelmend_cli.commands.face import FACE_OPTIONS
from pixelmend_cli.commands.restore import Command, computing_options, log_to_stderr
from pixelmend_engine.catalog.options import of_task
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.catalog.spec import Task

TASKS: tuple[Task, ...] = ("face", "deblur", "restore", "denoise", "upscale", "inpaint")
MAX_MINUTES = 60 * 24 * 365
NOT_FOR_MANY = ("list_faces", "faces")  # options that are about one picture


class WorkersType(click.ParamType["int | None"]):
    """`auto`, or how many."""

    name = "workers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Turns the text into a number, unless it is `auto`."""
        if value is None or value == AUTO:
            return None
        text = str(value)
        if not text.isascii() or not text.isdecimal() or not 0 < int(text[:6]) <= 1024:
            self.fail(f"{text!r} is none of auto and a number from 1 to 1024.", param, ctx)
        return int(text)


class MinutesType(click.ParamType["float | None"]):
    """`auto`, or minutes; it returns seconds."""

    name = "minutes"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Turns the text into seconds, unless it is `auto`."""
        if value is None or value == AUTO:
            return None
        try:
            minutes = float(str(value))
        except ValueError:
            minutes = 0.0
        if not 0 < minutes <= MAX_MINUTES:
            self.fail(f"{value!r} is none of auto and a number of minutes.", param, ctx)
        return 60 * minutes


def _options_of_all_tasks(command: Command) -> Command:
    # Each option once, as the first task that has it describes it.
    by_name: dict[str, click.Parameter] = {}
    for task in TASKS:
        options = [*computing_options(task), *(FACE_OPTIONS if task == "face" else ())]
        for param in _parameters(options):
            if param.name not in NOT_FOR_MANY:
                by_name.setdefault(str(param.name), param)
    command.__dict__.setdefault("__click_params__", []).extend(reversed(by_name.values()))
    return command


def _parameters(options: Sequence[Callable[[Any], Any]]) -> list[click.Parameter]:
    @click.command()
    def holder() -> None:
        pass

    for option in reversed(options):
        option(holder)
    return holder.params[::-1]


@click.command()
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@click.option(
    "--task",
    "tasks",
    type=click.Choice(TASKS),
    multiple=True,
    required=True,
    help="What to do with each picture; several are done in turn, without files in between.",
)
@click.option(
    "--workers",
    type=WorkersType(),
    metavar="auto|N",
    default=AUTO,
    show_default=True,
    help="Restore so many pictures at once; auto: one a GPU, or as cores and memory allow.",
)
@click.option(
    "--ray",
    metavar="ADDRESS|local",
    help="Restore on the Ray cluster at this address; local: one of this computer, for that long.",
)
@click.option("--resume", is_flag=True, help="Go on with a batch, and fail if there is none.")
@click.option("--fresh", is_flag=True, help="Restore all pictures again, also those that are done.")
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    metavar="N",
    default=2,
    show_default=True,
    help="Try a picture so often again that breaks a worker, or can't be read or written.",
)
@click.option(
    "--stall-timeout",
    type=MinutesType(),
    metavar="auto|MINUTES",
    default=AUTO,
    show_default=True,
    help="End a worker whose picture gets no further for so long, and try that one again; auto: as "
    "long as its model would take for all of it, and 20 minutes at least.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE.html|.json|.csv",
    help="Write what the batch came to: a page with pictures, or a table.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after so many pictures.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--no-provenance",
    is_flag=True,
    help="Do not say in the results' metadata that they were restored, and how.",
)
@click.option("--offline", is_flag=True, help="Download nothing: do with the models that are here.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but the summary and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print what the engine logs.")
@_options_of_all_tasks
@click.pass_context
def batch(context: click.Context, **options: Any) -> int:
    """Restores a whole archive: the pictures of SRC, into the same tree below DST.

    SRC is a folder, a pattern, a .txt file that lists pictures, or an address that fsspec reads
    (s3://…). What is done is remembered in DST: the same command goes on where the last one
    stopped, however that ended, and does again only what has changed, or has other options. The
    exit code is that of the first picture that failed. With several tasks, --model may name one
    for each: denoise=MODEL,upscale=MODEL.
    """
    from pixelmend_cli import batch_run, settings

    log_to_stderr(verbose=options["verbose"], quiet=options["quiet"])
    config = settings.resolve(os.environ)
    explicit = {
        name: value
        for name, value in options.items()
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    }
    explicit["offline"] = options["offline"] or config.network.offline
    steps = steps_of(options["tasks"], explicit)
    request = batch_run.BatchOptions(
        source=options["source"],
        target=options["target"],
        weights=options["weights"],
        provenance=not options["no_provenance"],
        workers=options["workers"],
        ray=options["ray"],
        resume=options["resume"],
        fresh=options["fresh"],
        retries=options["retries"],
        stall_timeout_s=options["stall_timeout"],
        report=options["report"],
        limit=options["limit"],
        dry_run=options["dry_run"],
        quiet=options["quiet"],
        watched=sys.stderr.isatty(),
    )
    return batch_run.run(request, steps, config)


def steps_of(tasks: tuple[Task, ...], explicit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns each task's parameters; an option goes to all tasks that have it.

    Raises:
        BadRequest: None of the tasks has an option that was chosen.
    """
    described = {name for task in TASKS for name in of_task(task)}
    for name in explicit:
        if name in described and not any(name in of_task(task) for task in tasks):
            raise BadRequest(
                f"--{name.replace('_', '-')} is no option of {' or '.join(tasks)}",
                hint="Leave it out, or name a task that has it",
            )
    models = _models(tasks, str(explicit.get("model", AUTO)))
    return [
        {name: value for name, value in explicit.items() if name in of_task(task)}
        | {"task": task, "model": models[task]}
        for task in tasks
    ]


def _models(tasks: tuple[Task, ...], text: str) -> dict[str, str]:
    if "=" not in text:
        return dict.fromkeys(tasks, text)
    parts = [part.strip().partition("=") for part in text.split(",")]
    models = {task: model for task, _, model in parts}
    for task in models:
        if task not in tasks:
            raise BadRequest(
                f"--model names `{task}`, which is no task of this batch",
                hint=f"The tasks are {', '.join(tasks)}",
            )
    return {task: models.get(task, AUTO) for task in tasks}
