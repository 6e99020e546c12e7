"""Putting a plug-in where an editor looks for it: all of it or nothing, also over an older."""

import contextlib
import dataclasses
import json
import shutil
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pixelmend
from pixelmend.atomic import atomic_write_text
from pixelmend.errors import EditorMissing
from pixelmend.host import host
from pixelmend.host.host import PluginInstall
from pixelmend.presentation import messages, task_cache
from pixelmend_cli.setup import translations


@dataclass(frozen=True, kw_only=True)
class Computer:
    """Where to look for editors."""

    environ: Mapping[str, str]
    platform: str = sys.platform
    home: Path = dataclasses.field(default_factory=Path.home)


def sources(editor: str, plug_in: str) -> Path:
    """Returns the folder with the files that only this editor has."""
    # In a wheel it lies in this package; in a checkout, where people look for it.
    packaged = Path(__file__).parents[1] / "plugins" / editor
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / editor / plug_in


@contextlib.contextmanager
def replace_folder(target: Path, beside: Path) -> Generator[Path]:
    """Yields an empty folder, which takes the place of `target` at the end.

    It is made in `beside`, where the editor does not look, so that it never finds half of it.

    Raises:
        EditorMissing: It can't be written.
    """
    new_folder = beside / f"{target.name}.part"
    try:
        shutil.rmtree(new_folder, ignore_errors=True)
        new_folder.mkdir(parents=True)
        yield new_folder
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        new_folder.replace(target)
    except OSError as error:
        shutil.rmtree(new_folder, ignore_errors=True)
        raise EditorMissing(
            f"The plug-in can't be written ({error.strerror}): `{target}`",
            hint="Make the folder writable for you, and try again",
        ) from error


def modules(*, panel: bool) -> list[Path]:
    """Lists what a host's own Python loads: all of `pixelmend`, in GIMP without the panel.

    Relative to the package. `__main__` is the command line's.
    """
    package = Path(pixelmend.__file__).parent
    files = sorted(file.relative_to(package) for file in package.rglob("*.py"))
    return [
        file
        for file in files
        if file != Path("__main__.py") and (panel or file.parts[0] != "panel")
    ]


def copy_shared(folder: Path, tasks: list[object], *, panel: bool) -> None:
    """Copies what every plug-in has: the package `pixelmend`, translations, the menu."""
    package = Path(pixelmend.__file__).parent
    for module in modules(panel=panel):
        target = folder / package.name / module
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package / module, target)
    translations.write(folder / "locale", messages.DOMAIN)
    (folder / task_cache.NAME).write_text(json.dumps(tasks, indent=1), encoding="utf-8")


def write_settings(folder: Path, engine: PluginInstall) -> None:
    """Writes where the engine is."""
    settings = json.dumps(engine.to_json(), indent=1)
    atomic_write_text(folder / host.SETTINGS, settings)


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
