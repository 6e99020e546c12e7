"""Putting a plug-in where an editor looks for it: all of it or nothing, also over an older."""

import contextlib
import dataclasses
import json
import shutil
import sys
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pixelmend import catalogues, host, phrases, tasklist
from pixelmend.errors import EditorMissing
from pixelmend.host import Installed

MODULES = (  # of this package; the host's own Python loads them
    "__init__",
    "client",
    "errors",
    "forms",
    "host",
    "launch",
    "paths",
    "phrases",
    "selection",
    "tasklist",
    "wire",
)


@dataclass(frozen=True, kw_only=True)
class Computer:
    """Where to look for editors."""

    environ: Mapping[str, str]
    platform: str = sys.platform
    home: Path = dataclasses.field(default_factory=Path.home)


def sources(editor: str, plug_in: str) -> Path:
    """Returns the folder with the files that only this editor has."""
    # In a wheel it lies in this package; in a checkout, where people look for it.
    packaged = Path(__file__).parent / editor
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / editor / plug_in


@contextlib.contextmanager
def replaced(target: Path, beside: Path) -> Generator[Path]:
    """Yields an empty folder, which takes the place of `target` at the end.

    It is made in `beside`, where the editor does not look, so that it never finds half of it.

    Raises:
        EditorMissing: It can't be written.
    """
    made = beside / f"{target.name}.part"
    try:
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        yield made
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        made.replace(target)
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise EditorMissing(
            f"The plug-in can't be written ({error.strerror}): `{target}`",
            hint="Make the folder writable for you, and try again",
        ) from error


def fill(folder: Path, modules: Iterable[str], tasks: list[object]) -> None:
    """Copies what every plug-in has: modules of this package, translations, the menu."""
    for module in modules:
        copied = folder / "pixelmend" / f"{module}.py"
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(__file__).parent / f"{module}.py", copied)
    catalogues.write(folder / "locale", phrases.DOMAIN)
    (folder / tasklist.NAME).write_text(json.dumps(tasks, indent=1), encoding="utf-8")


def describe(folder: Path, engine: Installed) -> None:
    """Writes where the engine is."""
    settings = json.dumps(engine.to_json(), indent=1)
    (folder / host.SETTINGS).write_text(settings, encoding="utf-8")


def remove(path: Path) -> None:
    """Removes a folder or a file.

    Raises:
        EditorMissing: It can't be removed.
    """
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise EditorMissing(
            f"The plug-in can't be removed ({error.strerror}): `{path}`",
            hint="Remove the folder yourself",
        ) from error
