"""The command that shows and keeps what the user has decided once: `settings`."""

import os

import click

from pixelmend import preferences
from pixelmend.preferences import DOWNLOADS, Preferences
from pixelmend_cli import settings as resolved
from pixelmend_cli.terminal import print_line

MEANINGS = {
    "always": "auto downloads the best model of a task, however large",
    "ask": "auto downloads up to 200 MB; you are asked about more",
    "never": "auto downloads nothing, and does with the models that are here",
}


@click.group()
def settings() -> None:
    """Shows and keeps what holds for every command and both editors."""


@settings.command()
@click.argument("choice", type=click.Choice(DOWNLOADS), required=False)
def downloads(choice: str | None) -> None:
    """Says what the model auto may download, or keeps another answer.

    always: the best model of a task, however large. ask: up to 200 MB; you are asked about more, on
    a terminal and in the editors, and what nobody was asked about is not fetched. never: nothing. A
    model that you name is downloaded in any case. A new answer forgets what you have declined.
    """
    paths = resolved.resolve(os.environ).paths
    if choice is not None:
        preferences.write(paths, Preferences(choice))
    current = preferences.read(paths).downloads
    print_line(f"{current}: {MEANINGS[current]}")
