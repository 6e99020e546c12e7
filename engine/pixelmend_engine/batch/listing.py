"""Which pictures a batch is of: a folder, a pattern, a list or an address, read as a stream."""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pixelmend.errors import BadRequest
from pixelmend_engine.batch.storage import (
    ADDRESS,
    Entry,
    LocalStorage,
    Storage,
    Unread,
    open_storage,
)
from pixelmend_engine.images import kinds

LISTS = (".txt", ".lst", ".list")


@dataclass
class Listing:
    """Pictures of one source, and what else was there."""

    storage: Storage
    names: "tuple[str, ...] | Path | None" = None  # those alone; or a file that lists them
    others: Counter[str] = field(default_factory=Counter[str])  # endings of what are no pictures
    missing: list[str] = field(default_factory=list[str])  # that a list names
    unread: Unread = field(default_factory=Unread)

    def pictures(self) -> Iterator[Entry]:
        """Yields the pictures one by one; what else is there is counted."""
        for entry in self._entries():
            if kinds.is_picture(entry.address):
                yield entry
            else:
                self.others[kinds.ending_of(entry.address) or "no ending"] += 1

    def _entries(self) -> Iterator[Entry]:
        if self.names is None:
            yield from self.storage.walk(self.unread)
            return
        names = self.names if isinstance(self.names, tuple) else _below(self.names, self.storage)
        for name in names:
            entry = self.storage.entry(name)
            if entry is None:
                self.missing.append(name)
            else:
                yield entry


def open_listing(source: str, target: str) -> Listing:
    """Reads what a user named as the source.

    Raises:
        BadRequest: It is not there, or it lies where the results go.
        PackageMissing: What reads addresses of that kind is not installed.
    """
    if ADDRESS.match(source):
        if glob.has_magic(source):
            from pixelmend_engine.batch import remote_storage

            root, names = remote_storage.matching(source)
            return Listing(open_storage(root), names)
        _refuse_same(source.rstrip("/"), target.rstrip("/"))
        return Listing(open_storage(source))
    path = Path(source).expanduser().absolute()  # workers have other current folders
    if path.is_dir():
        return Listing(LocalStorage(str(path), _target_inside(path, target)))
    if path.is_file():
        if path.suffix.lower() in LISTS:
            return Listing(LocalStorage(_common_folder(path)), path)
        _target_inside(path.parent, target)
        return Listing(LocalStorage(str(path.parent)), (path.name,))
    if glob.has_magic(source):
        return _of_pattern(str(path), target)
    raise BadRequest(
        f"There is no folder, file or pattern `{source}`",
        hint="Name a folder of pictures, a pattern such as 'scans/**/*.tif', a .txt file that "
        "lists them, or an address such as s3://bucket/scans",
    )


def _refuse_same(source: str, target: str) -> None:
    if target == source or source.startswith(f"{target}/"):
        raise BadRequest(
            f"The pictures lie where their results would go: `{target}`",
            hint="Name another folder for the results",
        )


def _target_inside(source: Path, target: str) -> Path | None:
    """Returns the results' folder if it lies in the source; its files are no sources.

    Raises:
        BadRequest: The source lies in it, so that results might replace sources.
    """
    if ADDRESS.match(target):
        return None
    ours, theirs = Path(target).expanduser().resolve(), source.resolve()
    _refuse_same(theirs.as_posix(), ours.as_posix())
    return ours if ours.is_relative_to(theirs) else None


def _of_pattern(pattern: str, target: str) -> Listing:
    parts = Path(pattern).parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    excluded = _target_inside(root, target)
    below = str(Path(*parts[fixed:]))

    def names() -> Iterator[str]:
        for name in glob.iglob(below, root_dir=root, recursive=True):  # noqa: PTH207 - with `**`
            path = root / name
            if path.is_dir() or (excluded and path.resolve().is_relative_to(excluded)):
                continue
            yield Path(name).as_posix()

    names_found = tuple(sorted(names()))
    if not names_found:
        raise BadRequest(f"No file fits the pattern `{pattern}`", hint="Check the pattern")
    return Listing(LocalStorage(str(root)), names_found)


def _lines(path: Path) -> Iterator[Path]:
    # Names are bytes; a list has one a line. What starts with `#` is a remark.
    with path.open("rb") as file:
        for line in file:
            name = os.fsdecode(line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf"))
            if name and not name.startswith("#"):
                yield Path(os.path.abspath(path.parent / Path(name).expanduser()))  # noqa: PTH100


def _common_folder(path: Path) -> str:
    common: Path | None = None
    for file in _lines(path):
        if common is None:
            common = file.parent
        while not file.is_relative_to(common):
            common = common.parent
    if common is None:
        raise BadRequest(f"The list is empty: `{path}`", hint="Write one picture's path a line")
    return str(common)


def _below(path: Path, storage: Storage) -> Iterator[str]:
    for file in _lines(path):
        yield file.relative_to(storage.root).as_posix()
