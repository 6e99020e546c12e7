"""What the command line prints: words that act on no terminal, whoever's they are."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from pixelmend.errors import PixelmendError
from pixelmend.printable import printable, printable_lines


def print_line(text: str = "", *, err: bool = False) -> None:
    """Prints one line, to stdout or to stderr."""
    click.echo(printable(text), err=err)


def print_lines(text: str, *, err: bool = False) -> None:
    """Prints text that has lines of its own, and its own end, such as a log."""
    click.echo(printable_lines(text), nl=False, err=err)


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Prints JSON, in ASCII: what is beyond, or acts on terminals, is escaped."""
    click.echo(json.dumps(value, indent=indent))


def print_path(path: Path) -> None:
    """Prints the path of a file, alone in its line: a program gets it as it is."""
    text = click.format_filename(path)
    click.echo(printable(text) if sys.stdout.isatty() else text)


def print_error(error: PixelmendError, *, about: str = "") -> None:
    """Prints what happened, to which file if that is not said already, and what to do."""
    prefix = f"{about}: " if about and about not in error.message else ""
    print_line(f"{prefix}{error.message}", err=True)
    print_line(f"  {error.hint}", err=True)
