"""Files behind an address (`s3://`, `gs://`, `sftp://`…), as fsspec reads and writes them.

The one module that imports fsspec. A picture lies on this computer's disk for as long as it is
worked on; results appear whole.
"""

import contextlib
import platform
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from pixelmend.errors import (
    BadRequest,
    DiskFull,
    OutputExists,
    OutputFailed,
    PackageMissing,
    PixelmendError,
    StorageFailed,
)
from pixelmend_engine.batch.storage import FULL, Entry, Unread

# Where a file can be seen while it is written, so that it needs another name until then.
GROWING = ("file", "local", "sftp", "ssh", "ftp", "smb", "hdfs", "webhdfs", "arrow_hdfs")
VERSIONS = (
    "ETag",
    "etag",
    "md5Hash",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)


class RemoteStorage:
    """A tree of files behind an address."""

    def __init__(self, root: str) -> None:
        """Raises what `connect` raises."""
        self.root = root.rstrip("/")
        self._files, path = connect(root)
        self._path = path.rstrip("/")

    def walk(self, unread: Unread) -> Iterator[Entry]:
        """See `Storage.walk`.

        Raises:
            StorageFailed: The root itself can't be listed.
        """

        def note_unread(error: Exception) -> None:
            unread.folders.append((str(error), type(error).__name__))

        with _as_storage_failed(self.root):
            # `walk` passes over what can't be listed, so the root is asked for by itself.
            self._files.ls(self._path, detail=True)
            folders = self._files.walk(
                self._path,
                detail=True,
                on_error=note_unread,
            )
        while True:
            with _as_storage_failed(self.root):
                step = next(folders, None)
            if step is None:
                return
            files = cast("dict[str, dict[str, Any]]", step[2])
            for name, facts in sorted(files.items()):
                address = self._below(str(facts.get("name", f"{step[0]}/{name}")))
                if not any(part.startswith(".") for part in address.split("/")):
                    yield _entry(address, facts)

    def entry(self, address: str) -> Entry | None:
        """See `Storage.entry`."""
        try:
            facts = self._files.info(self._full(address))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise _failed(self._full(address), error) from error
        return _entry(address, facts) if facts.get("type") == "file" else None

    def exists(self, address: str) -> bool:
        """See `Storage.exists`."""
        with _as_storage_failed(self._full(address)):
            return bool(self._files.exists(self._full(address)))

    @contextlib.contextmanager
    def fetch(self, address: str) -> Generator[Path]:
        """See `Storage.fetch`; it is gone from this computer behind the block."""
        with _temporary_folder() as folder:
            path = Path(folder, address.rpartition("/")[2])
            with _as_storage_failed(self._full(address)):
                self._files.get_file(self._full(address), str(path))
            yield path

    @contextlib.contextmanager
    def store(self, address: str, *, overwrite: bool) -> Generator[Path]:
        """See `Storage.store`."""
        target = self._full(address)
        if not overwrite and self.exists(address):
            raise OutputExists(
                f"`{address}` is there already", hint="Name another folder for the results"
            )
        with _temporary_folder() as folder:
            path = Path(folder, f"result{Path(address).suffix}")
            yield path
            parent, _, name = target.rpartition("/")
            with _as_storage_failed(target, writing=True):
                self._files.makedirs(parent, exist_ok=True)
                protocol = self._files.protocol
                names = (protocol,) if isinstance(protocol, str) else protocol
                if set(names) & set(GROWING):
                    self._files.put_file(str(path), f"{parent}/.{name}.part")
                    self._files.mv(f"{parent}/.{name}.part", target)
                else:
                    self._files.put_file(str(path), target)
                self._files.invalidate_cache(parent)

    def _full(self, address: str) -> str:
        return f"{self._path}/{address}"

    def _below(self, path: str) -> str:
        return path.lstrip("/").removeprefix(self._path.lstrip("/")).lstrip("/")


def connect(root: str) -> tuple[Any, str]:
    """Returns what fsspec has for an address, and the path in there.

    Raises:
        PackageMissing: fsspec, or what it needs for addresses of that kind, is not installed.
        BadRequest: fsspec knows no such addresses.
        StorageFailed: There is no connection.
    """
    try:
        import fsspec.core
    except ImportError as error:
        raise PackageMissing(
            "Addresses are read by fsspec, which is not installed",
            hint='`pip install "pixelmend[cluster]"` brings it',
        ) from error
    try:
        files, path = cast("tuple[Any, str]", fsspec.core.url_to_fs(root))
    except ImportError as error:  # it names the package
        raise PackageMissing(
            f"`{urlsplit(root).scheme}://` can't be read here: {error}",
            hint="Install the package that it names",
        ) from error
    except ValueError as error:
        raise BadRequest(
            f"There are no addresses such as `{root}`", hint="Name an address that fsspec reads"
        ) from error
    except Exception as error:
        raise _failed(root, error) from error
    return files, path


def matching(pattern: str) -> tuple[str, tuple[str, ...]]:
    """Finds the files of a pattern; returns the folder above the pattern, and names below it.

    Raises:
        BadRequest: There are none.
        StorageFailed: They can't be listed.
    """
    import glob

    parts = pattern.split("/")
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    root = "/".join(parts[:fixed])
    files, path = connect(root)
    with _as_storage_failed(root):
        matches = files.glob("/".join([path.rstrip("/"), *parts[fixed:]]))
    above = path.strip("/")
    full = cast("list[str]", matches)
    names = [name.lstrip("/").removeprefix(above).lstrip("/") for name in full]
    if not names:
        raise BadRequest(f"No file fits the pattern `{pattern}`", hint="Check the pattern")
    return root, tuple(sorted(names))


@contextlib.contextmanager
def _temporary_folder() -> Generator[str]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="pixelmend-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _disk_full(error) from error
    with folder as name:
        yield name


def _disk_full(error: OSError) -> DiskFull:
    return DiskFull(
        f"The temporary files of {platform.node()} have no room: {error.strerror or error}",
        hint="Make room there, or set TMPDIR to a folder of a larger disk",
    )


@contextlib.contextmanager
def _as_storage_failed(where: str, *, writing: bool = False) -> Generator[None]:
    # What a backend raises is its own alone, and no two are alike.
    try:
        yield
    except Exception as error:
        # A store has words of its own for that; this is the disk between it and us.
        if isinstance(error, OSError) and error.errno in FULL:
            raise _disk_full(error) from error
        raise _failed(where, error, writing=writing) from error


def _failed(where: str, error: Exception, *, writing: bool = False) -> PixelmendError:
    if isinstance(error, FileNotFoundError):
        return StorageFailed(f"There is nothing at `{where}`", hint="Check the address")
    if isinstance(error, PermissionError):
        what = "written to" if writing else "read"
        kind = OutputFailed if writing else StorageFailed
        return kind(
            f"`{where}` may not be {what}: {error}",
            hint="Check the credentials, and what they may do",
        )
    text = str(error).strip().splitlines()[:1] or [type(error).__name__]
    return StorageFailed(
        f"`{where}` can't be {'written to' if writing else 'read'}: {text[0]}",
        hint="Go on with the same command when it can be reached again",
    )


def _entry(address: str, facts: dict[str, Any]) -> Entry:
    version = next((str(facts[name]) for name in VERSIONS if facts.get(name)), "")
    return Entry(address, int(facts.get("size") or 0), version)
