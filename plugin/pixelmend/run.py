"""One command over all of its pictures: each restored, written and reported; failures counted."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Generator, Sequence
from typing import Any

import click

from pixelmend.errors import PixelmendError
from pixelmend.inprocess import InProcess
from pixelmend.targets import Target
from pixelmend_engine import images


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output:
    """How the command talks: results go to stdout, everything else to stderr."""

    as_json: bool
    quiet: bool

    def result(self, target: Target, facts: dict[str, Any]) -> None:
        """Says that a picture was restored."""
        if self.as_json:
            paths = {"input": str(target.source), "output": str(target.result)}
            click.echo(json.dumps(paths | facts))
        else:
            click.echo(target.result)

    def failure(self, target: Target, error: PixelmendError) -> None:
        """Says that a picture was not restored, and why."""
        if self.as_json:
            told = {"code": error.code, "message": error.message, "hint": error.hint}
            click.echo(json.dumps({"input": str(target.source), "error": told}))
        click.echo(f"{error.message}\n  {error.hint}", err=True)

    def note(self, text: str) -> None:
        """Says what the user should know, though nothing went wrong."""
        if not self.quiet:
            click.echo(text, err=True)

    @contextlib.contextmanager
    def progress(self, label: str) -> Generator["Progress"]:
        """Shows a bar with the time left, on a terminal; nothing anywhere else."""
        progress = Progress(label, hidden=self.quiet or not sys.stderr.isatty())
        try:
            yield progress
        finally:
            progress.close()


class Progress:
    """A bar that appears with the first report, when the number of steps is known."""

    def __init__(self, label: str, *, hidden: bool) -> None:
        self._label = label
        self._hidden = hidden
        self._open = contextlib.ExitStack()
        self._bar: Any = None  # click keeps the bar's class to itself

    def report(self, done: int, total: int) -> None:
        """Takes steps done and steps in all."""
        if self._hidden:
            return
        if self._bar is None:
            bar = click.progressbar(length=total, label=self._label, file=sys.stderr)
            self._bar = self._open.enter_context(bar)
        self._bar.update(done - self._bar.pos)

    def close(self) -> None:
        """Leaves the terminal in order."""
        self._open.close()


def run(engine: InProcess, targets: Sequence[Target], output: Output, *, overwrite: bool) -> int:
    """Restores every picture; one that fails does not stop the others.

    Returns the exit code of the first error, or 0.
    """
    if engine.fell_back:
        output.note(
            f"Using the bundled model `{engine.spec.id}`; `pixelmend models list` shows better ones"
        )
    errors: list[PixelmendError] = []
    for number, target in enumerate(targets, start=1):
        count = f"{number}/{len(targets)} " if len(targets) > 1 else ""
        try:
            _restore_one(engine, target, output, f"{count}{target.source.name}", overwrite)
        except PixelmendError as error:
            output.failure(target, error)
            errors.append(error)
    if len(targets) > 1:
        output.note(f"{len(targets) - len(errors)} restored, {len(errors)} failed")
    return errors[0].exit_code if errors else 0


def _restore_one(
    engine: InProcess, target: Target, output: Output, label: str, overwrite: bool
) -> None:
    photo = images.read(target.source)
    images.check_format(photo, target.result)
    with (
        images.replacing(target.result, overwrite=overwrite) as temporary,
        output.progress(label) as progress,
    ):
        restored = engine.restore(photo, progress.report)
        images.write(dataclasses.replace(photo, pixels=restored.pixels), temporary)
    for note in photo.notes:
        output.note(f"{target.source.name}: {note}")
    height, width, _ = restored.pixels.shape
    facts = {
        "model": engine.spec.id,
        "device": str(engine.device),
        "seed": engine.seed,
        "width": width,
        "height": height,
        "tiles": restored.tiles,
        "seconds": round(restored.seconds, 3),
        "peak_bytes": restored.peak_bytes,
        "notes": list(photo.notes),
    }
    output.result(target, facts)
