"""What the command line prints: words that act on no terminal, whoever's they are."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from pixelmend.errors import PixelmendError
from pixelmend.printable import printable, printable_lines


class StreamFailed(OSError):
    """What is printed goes to a full disk, or to a device that takes nothing."""


def prepare_streams() -> None:
    """Lets names be printed that the terminal's encoding lacks: such letters are spelled out."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def forget_streams() -> None:
    """Lets what can't be printed go nowhere, so that the end of the process tries no more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def print_line(text: str = "", *, err: bool = False) -> None:
    """Prints one line, to stdout or to stderr."""
    _echo(f"{printable(text)}\n", err=err)


def print_lines(text: str, *, err: bool = False) -> None:
    """Prints text that has lines of its own, and its own end, such as a log."""
    _echo(printable_lines(text), err=err)


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Prints JSON, in ASCII: what is beyond, or acts on terminals, is escaped."""
    _echo(f"{json.dumps(value, indent=indent)}\n")


def print_path(path: Path) -> None:
    """Prints the path of a file, alone in its line: a program gets it as it is."""
    text = click.format_filename(path)
    _echo(f"{printable(text) if sys.stdout.isatty() else text}\n")


def print_error(error: PixelmendError, *, about: str = "") -> None:
    """Prints what happened, to which file if that is not said already, and what to do."""
    prefix = f"{about}: " if about and about not in error.message else ""
    print_line(f"{prefix}{error.message}", err=True)
    print_line(f"  {error.hint}", err=True)


def _echo(text: str, *, err: bool = False) -> None:
    try:
        click.echo(text, nl=False, err=err)
    except BrokenPipeError:
        raise  # nobody reads any more, and need not be told
    except OSError as error:
        raise StreamFailed(error.errno, error.strerror) from error
