"""One command over all of its pictures: each restored, written and reported; failures counted."""

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from jaxtyping import UInt8

from pixelmend.atomic import atomic_write
from pixelmend.errors import (
    FATAL,
    PixelmendError,
    to_json,
)
from pixelmend.printable import printable
from pixelmend_cli.engines import Engine
from pixelmend_cli.targets import Target
from pixelmend_cli.terminal import print_error, print_json, print_line, print_path
from pixelmend_engine.images import files as images
from pixelmend_engine.images import kinds
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.xmp import Provenance


@dataclasses.dataclass(frozen=True, kw_only=True)
class Console:
    """How the command talks: results go to stdout, everything else to stderr."""

    as_json: bool
    quiet: bool
    paths: bool = True  # of results are printed; not where the picture itself is
    printed: set[str] = dataclasses.field(default_factory=set[str])

    def result(self, target: Target, facts: dict[str, Any]) -> None:
        """Says that a picture was restored."""
        if self.as_json:
            paths = {"input": str(target.source), "output": str(target.result)}
            print_json(paths | facts)
        elif self.paths:
            print_path(target.result)

    def failure(self, target: Target, error: PixelmendError) -> None:
        """Says that a picture was not restored, and why."""
        if self.as_json:
            print_json({"input": str(target.source), "error": to_json(error)})
        print_error(error, about=printable(target.source.name))

    def note(self, text: str) -> None:
        """Says what the user should know, though nothing went wrong."""
        if not self.quiet:
            print_line(text, err=True)

    def note_once(self, text: str) -> None:
        """Says it, unless it was said before."""
        if text not in self.printed:
            self.printed.add(text)
            self.note(text)

    @contextlib.contextmanager
    def progress(self, label: str) -> Generator["ProgressBar"]:
        """Shows a bar with the time left, on a terminal; nothing anywhere else."""
        bar = ProgressBar(label, hidden=self.quiet or not sys.stderr.isatty())
        try:
            yield bar
        finally:
            bar.close()


class ProgressBar:
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileOptions:
    """What is read beside the pictures, and what may be written."""

    mask: Path | None  # of every picture
    dust: bool = False  # the mask of each is found in its infrared channel
    overwrite: bool
    scale: float = 1.0  # how many times wider and higher results are
    provenance: bool  # whether results say that they were restored, and how


def restore_all(
    engine: Engine, targets: Sequence[Target], console: Console, files: FileOptions
) -> int:
    """Restores every picture; one that fails does not stop the others.

    Returns the exit code of the first error, or 0.

    Raises:
        PixelmendError: The mask can't be read, or one of `FATAL`: the command ends.
    """
    mask = None if files.mask is None else images.read_mask(files.mask)

    def restore(target: Target, number: int) -> None:
        count = f"{number}/{len(targets)} " if len(targets) > 1 else ""
        _restore(engine, target, mask, count, console, files)

    exit_codes = _for_each(targets, console, restore)
    if len(targets) > 1:
        console.note(f"{len(targets) - len(exit_codes)} restored, {len(exit_codes)} failed")
    return exit_codes[0] if exit_codes else 0


def list_faces(
    engine: Engine, targets: Sequence[Target], console: Console, *, overwrite: bool
) -> int:
    """Lists the faces of every picture, and writes pictures that show them.

    Returns the exit code of the first error, or 0.

    Raises:
        PixelmendError: One of `FATAL`: the command ends.
    """

    def list_one(target: Target, _number: int) -> None:
        raster = images.to_raster(images.read(target.source), None)
        with atomic_write(target.result, overwrite=overwrite) as temporary:
            annotated, facts = engine.restore(raster, _ignore_progress)
            shape = (annotated.height, annotated.width, 3)
            pixels = np.frombuffer(annotated.data, np.uint8).reshape(shape)
            images.write(ImageFile(pixels=pixels), temporary, result=target.result)
        console.result(target, facts)

    exit_codes = _for_each(targets, console, list_one)
    return exit_codes[0] if exit_codes else 0


def _for_each(
    targets: Sequence[Target], console: Console, process: Callable[[Target, int], None]
) -> list[int]:
    """Works on every picture, counted from 1; returns the exit codes of those that failed."""
    exit_codes: list[int] = []
    for number, target in enumerate(targets, start=1):
        try:
            process(target, number)
        except FATAL:
            raise
        except PixelmendError as error:
            console.failure(target, error)
            exit_codes.append(error.exit_code)
    return exit_codes


def _ignore_progress(done: int, total: int) -> None:
    """Looking for faces has no steps."""


def _restore(
    engine: Engine,
    target: Target,
    mask: UInt8[np.ndarray, "h w"] | None,
    count: str,
    console: Console,
    files: FileOptions,
) -> None:
    name = printable(target.source.name)
    photo = images.read(target.source)
    losses = images.check_format(photo, target.result, files.scale)
    losses += kinds.change(target.source.name, target.result.name)
    if files.dust:
        from pixelmend_engine.images import dust

        mask = dust.find(photo, target.source.name)
    raster = images.to_raster(photo, mask)
    with (
        atomic_write(target.result, overwrite=files.overwrite) as temporary,
        console.progress(f"{count}{name}") as progress,
    ):
        result, facts = engine.restore(raster, progress.report)
        photo = images.with_pixels(photo, result)
        if files.provenance:
            photo = images.signed(photo, Provenance.of(facts))
        images.write(photo, temporary, result=target.result)
    notes = [*photo.notes, *losses]
    for note in notes:
        console.note(f"{name}: {note}")
    for note in facts["notes"]:
        console.note_once(note)
    console.result(target, facts | {"notes": [*facts["notes"], *notes]})
