"""Writes the help texts and the table of errors into docs/cli.md.

    python docs/write_cli.py

A test calls `render` and compares, so that the page is true after each change.
"""

from collections.abc import Generator
from pathlib import Path

import click
from click.testing import CliRunner

from pixelmend import errors
from pixelmend.errors import PixelmendError
from pixelmend_cli.main import cli

PAGE = Path(__file__).parent / "cli.md"
INTRODUCTION = """\
# Command line

Results go to stdout, everything else to stderr: `pixelmend deblur *.jpg > results.txt` writes a
list of the files made. On a terminal a bar shows the time left; on a pipe there is none. `--json`
prints one object for each picture. Ctrl-C stops at the next step; what was finished before is kept,
and nothing half-written is left.

The first command starts the engine, a process in the background that keeps the model ready for the
next one. It gives the model's memory back after 5 minutes without work and ends after 30.

| variable | meaning |
|---|---|
| `PIXELMEND_DEVICE` | the default of `--device` |
| `PIXELMEND_HOME` | the folder for models, the engine's log and its address |
| `PIXELMEND_MODELS` | the folder of installed models, if it is to be another |
| `PIXELMEND_OFFLINE`, `HF_HUB_OFFLINE` | 1: download nothing |
| `PIXELMEND_MIRROR` | where weights are looked for first ([weights.md](weights.md)) |
| `PIXELMEND_RELEASE_MINUTES` | how long the engine keeps the model without work (5) |
| `PIXELMEND_EXIT_MINUTES` | how long the engine runs without work (30) |

An option wins over a variable.

This page is written by `make docs`.
"""


def render() -> str:
    """Returns the whole page."""
    sections = [INTRODUCTION]
    for words, _ in commands(cli):
        arguments = [*words, "--help"]
        text = CliRunner().invoke(cli, arguments, prog_name="pixelmend", terminal_width=90).stdout
        title = " ".join(["pixelmend", *words])
        sections.append(f"## {title}\n\n```text\n{text}```\n")
    rows = [f"| {e.exit_code} | `{e.code}` | {_first_sentence(e)} |" for e in tree()]
    head = "## Exit codes and errors\n\n| exit code | code | meaning |\n|---|---|---|\n"
    sections.append(head + "| 0 | | Everything was restored. |\n" + "\n".join(rows) + "\n")
    return "\n".join(sections)


def commands(
    root: click.Command, path: tuple[str, ...] = ()
) -> Generator[tuple[tuple[str, ...], click.Command]]:
    """Goes through a command and all below it, in the order of the help, each with its words."""
    yield path, root
    for name, command in sorted(root.commands.items()) if isinstance(root, click.Group) else ():
        yield from commands(command, (*path, name))


def tree(root: type[PixelmendError] = PixelmendError) -> list[type[PixelmendError]]:
    """Lists an error and all that are made of it."""
    return [root, *(leaf for branch in root.__subclasses__() for leaf in tree(branch))]


def _first_sentence(error: type[errors.PixelmendError]) -> str:
    return (error.__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
