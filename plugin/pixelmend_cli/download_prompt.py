"""Asking on a terminal whether a large model may be fetched."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from pixelmend.errors import Canceled
from pixelmend.presentation import download_question
from pixelmend.presentation.download_question import DownloadQuestion
from pixelmend_cli.settings import Settings
from pixelmend_cli.terminal import print_line
from pixelmend_engine.catalog import tasks
from pixelmend_engine.catalog.spec import Task
from pixelmend_engine.weights import store


def with_downloads(
    task: Task, parameters: Mapping[str, Any], config: Settings, *, silent: bool
) -> dict[str, Any]:
    """Returns a task's options with what `auto` may fetch; asks where somebody can answer.

    Nobody can if `silent` is set, or if this is no terminal.

    Raises:
        Canceled: There is no other model, and the user does not want this one.
    """
    described = next(
        entry for entry in tasks.describe(store.states(config.models_dir)) if entry["id"] == task
    )
    has_user = not silent and sys.stdin.isatty() and sys.stderr.isatty()
    decided = download_question.decide(
        described,
        dict(parameters),
        config.paths,
        lambda question: _ask(question) if has_user else None,
    )
    if decided is None:
        raise Canceled("Canceled", hint="Nothing was downloaded")
    return decided


def _ask(question: DownloadQuestion) -> bool:
    print_line(question.about, err=True)
    answer = click.prompt(
        f"{question.download} (d), or {question.decline.lower()} (s)?",
        type=click.Choice(["d", "s"]),
        default="s",
        show_choices=False,
        err=True,
    )
    return answer == "d"
