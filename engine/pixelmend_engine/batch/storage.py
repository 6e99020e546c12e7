"""Where pictures come from and results go to: folders here; elsewhere, what fsspec reads."""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pixelmend.atomic import atomic_write
from pixelmend.errors import OutputFailed

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of a whole disk, not of one file
LEFTOVER = re.compile(r"\.[0-9a-f]{8}\.part(\.\w+)?")  # what a process leaves that was killed


@dataclass(frozen=True)
class Entry:
    """A file, by its path below a storage's root, with `/` between folders."""

    address: str
    size_bytes: int
    modified: str  # differs where the file may differ


@dataclass
class Unread:
    """Folders that a walk had to leave out."""

    folders: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # and why


@runtime_checkable
class Storage(Protocol):
    """A tree of files."""

    root: str

    def walk(self, unread: Unread) -> Iterator[Entry]:
        """Yields the files below the root one by one, each once, links in circles or not."""
        ...

    def entry(self, address: str) -> Entry | None:
        """Looks at one file; None: it is not there."""
        ...

    def exists(self, address: str) -> bool:
        """Whether there is something by that name."""
        ...

    def fetch(self, address: str) -> contextlib.AbstractContextManager[Path]:
        """Has a file at a path of this computer, under its own name.

        Raises:
            PixelmendError: It can't be had.
        """
        ...

    def store(self, address: str, *, overwrite: bool) -> contextlib.AbstractContextManager[Path]:
        """Has a path to write to, of the same ending; the file is there, whole, behind the block.

        Raises:
            OutputExists: There is such a file, and `overwrite` is not set.
            OutputFailed: It can't be written.
        """
        ...


def open_storage(root: str) -> Storage:
    """Returns the files below a folder or an address.

    Raises:
        PackageMissing: What reads addresses of that kind is not installed.
    """
    if not ADDRESS.match(root):
        return LocalStorage(root)
    from pixelmend_engine.batch.remote_storage import RemoteStorage  # fsspec comes with it

    return RemoteStorage(root)


class LocalStorage:
    """A folder of this computer."""

    def __init__(self, root: str, excluded: Path | None = None) -> None:
        self.root = root
        self._excluded = excluded

    def walk(self, unread: Unread) -> Iterator[Entry]:
        """See `Storage.walk`; in the order of names, hidden files and folders left out."""
        waiting, identities = [""], set[tuple[int, int]]()
        excluded = None if self._excluded is None else _identity(self._excluded)
        while waiting:
            folder = waiting.pop()
            path = os.path.join(self.root, folder)  # noqa: PTH118 - names that are no text, too
            identity = _identity(path)
            if identity is None or identity in identities or identity == excluded:
                continue
            identities.add(identity)
            try:
                with os.scandir(path) as iterator:
                    entries = sorted(iterator, key=lambda entry: entry.name)
            except OSError as error:
                unread.folders.append((folder, error.strerror or str(error)))
                continue
            below: list[str] = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                address = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    if entry.is_dir():
                        below.append(address)
                    elif entry.is_file():
                        yield _entry(address, entry.stat())
                except OSError as error:  # a link in a circle of its own
                    unread.folders.append((address, error.strerror or str(error)))
            waiting += reversed(below)

    def entry(self, address: str) -> Entry | None:
        """See `Storage.entry`."""
        try:
            status = self.path(address).stat()
        except OSError:
            return None
        return _entry(address, status) if stat.S_ISREG(status.st_mode) else None

    def path(self, address: str) -> Path:
        """Returns where a file lies."""
        return Path(self.root, *address.split("/"))

    def exists(self, address: str) -> bool:
        """See `Storage.exists`."""
        return os.path.lexists(self.path(address))

    @contextlib.contextmanager
    def fetch(self, address: str) -> Generator[Path]:
        """See `Storage.fetch`; it is where it is."""
        yield self.path(address)

    @contextlib.contextmanager
    def store(self, address: str, *, overwrite: bool) -> Generator[Path]:
        """See `Storage.store`; written beside its place, then renamed."""
        path = self.path(address)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputFailed(
                f"The folder `{path.parent}` can't be made: {error.strerror or error}",
                hint="Check its permissions, or name another folder for the results",
            ) from error
        with atomic_write(path, overwrite=overwrite) as temporary:
            yield temporary

    def clean(self, address: str) -> None:
        """Removes what a process that was killed has left beside a result."""
        with contextlib.suppress(OSError):
            for path in self.path(address).parent.iterdir():
                if LEFTOVER.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def _entry(address: str, status: os.stat_result) -> Entry:
    return Entry(address, status.st_size, str(status.st_mtime_ns))


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
