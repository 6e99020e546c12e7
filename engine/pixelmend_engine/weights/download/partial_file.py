"""A file on its way: what has come of it, and how to tell that more would belong to it."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from pixelmend.atomic import atomic_write_text

OVERLAP = 64 * 1024  # bytes that are asked for twice where nothing else tells a file from another
TEXT = str | None
BLOCK_BYTES = 1024 * 1024  # bytes hashed at once


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What tells the file that has begun to come from another one."""

    source: str = ""
    sha256: str | None = None  # that it will have, if anybody has said so
    etag: str | None = None  # the server's, strong
    modified: str | None = None  # the server's, too
    total: int | None = None  # bytes in all


class PartialFile:
    """Bytes on disk, their hash so far, and their identity beside them."""

    def __init__(self, path: Path, share: Callable[[Path], None] = lambda _: None) -> None:
        self.path = path
        self._share = share  # gives a new file to all who are to have it
        self._identity_path = path.with_name(f"{path.name}.json")
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self.size = 0
        self.identity = _read_identity(self._identity_path)
        if self.identity is None or not path.exists():
            self.drop()
        else:
            self._rehash()

    @property
    def complete(self) -> bool:
        """Whether all of it is here."""
        return self.identity is not None and self.size == self.identity.total

    @property
    def sha256(self) -> str:
        """The hash of what is here."""
        return self._hash.hexdigest()

    @property
    def tail(self) -> bytes:
        """Its last bytes."""
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            file.seek(max(0, self.size - OVERLAP))
            return file.read(OVERLAP)

    def begin(self, start: int, identity: Identity) -> None:
        """Makes ready for bytes from `start` on: all that is here, or 0."""
        if start not in (0, self.size):
            raise AssertionError((start, self.size))
        if start == 0:
            self.drop()
        # First what it is, then the bytes: a part that nobody can tell is thrown away.
        self._write_identity(identity)
        self.close()  # of an earlier try
        self._file = self.path.open("ab")
        if start == 0:
            self._share(self.path)

    def append(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        assert self._file is not None
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def close(self) -> None:
        """Leaves what has come where it is, for the next time."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self) -> None:
        """Takes note that nothing more comes, where nobody had said how much there is."""
        self.close()
        if self.identity is not None:
            self._write_identity(dataclasses.replace(self.identity, total=self.size))

    def drop(self) -> None:
        """Throws it away."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._identity_path.unlink(missing_ok=True)
        self._hash = hashlib.sha256()
        self.size = 0
        self.identity = None

    def _write_identity(self, identity: Identity) -> None:
        atomic_write_text(self._identity_path, json.dumps(dataclasses.asdict(identity)))
        self._share(self._identity_path)
        self.identity = identity

    def _rehash(self) -> None:
        with self.path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                self._hash.update(block)
                self.size += len(block)


@dataclass(frozen=True)
class RangeRequest:
    """What a request asks for, so that the answer can be joined to what is here."""

    start: int  # the first byte that is asked for
    headers: Mapping[str, str]


def range_request(
    identity: Identity | None, size: int, source: str, sha256: str | None
) -> RangeRequest:
    """Decides where to go on: at the end, a little before it, or at the beginning.

    `sha256` is what the source's file has, if that is known; the same hash is the same file, from
    whatever source. Otherwise the server compares (`If-Range`), or else we do, with an overlap.
    """
    from_start = RangeRequest(0, {})
    if identity is None or size == 0:
        return from_start
    if sha256 is not None or identity.sha256 is not None:
        same = sha256 == identity.sha256
        return RangeRequest(size, {"Range": f"bytes={size}-"}) if same else from_start
    if source != identity.source:
        return from_start
    if identity.etag:
        return RangeRequest(size, {"Range": f"bytes={size}-", "If-Range": identity.etag})
    # A date alone is too coarse, and not every server that states one compares it.
    start = max(0, size - OVERLAP)
    compare = {"If-Range": identity.modified} if identity.modified else {}
    return RangeRequest(start, {"Range": f"bytes={start}-", **compare})


def _read_identity(path: Path) -> Identity | None:
    try:
        loaded: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    fields = cast("dict[str, object]", loaded) if isinstance(loaded, dict) else {}
    kinds = {"source": str, "sha256": TEXT, "etag": TEXT, "modified": TEXT, "total": int | None}
    if any(name not in kinds or not isinstance(fields[name], kinds[name]) for name in fields):
        return None  # it was written by something else, or is damaged
    return Identity(**cast("dict[str, Any]", fields)) if fields else None
