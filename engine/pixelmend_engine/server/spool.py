"""Room for pictures that wait: in memory while it lasts, then in a private folder on disk."""

import contextlib
import errno
import mmap
import os
import shutil
import tempfile
import threading
from collections.abc import Generator
from io import FileIO
from pathlib import Path

from pixelmend.errors import SpoolFull


class BodyBuffer:
    """One body: written from its start to its end, read as often as wanted, then dropped."""

    def __init__(self, spool: "Spool", size: int) -> None:
        self.size = size
        self._spool = spool
        self._written = 0
        self._memory: bytearray | None = spool.take(size)
        self._file: FileIO | None = None
        self._mapped: mmap.mmap | None = None
        if self._memory is None:
            self._file = spool.open_file(size)

    @property
    def in_memory(self) -> bool:
        """Whether it counts towards the spool's memory."""
        return self._memory is not None

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Appends a piece.

        Raises:
            SpoolFull: The disk is full.
            ValueError: More is written than was asked for.
        """
        end = self._written + len(piece)
        if end > self.size:
            msg = "more is written than was asked for"
            raise ValueError(msg)
        if self._memory is not None:
            self._memory[self._written : end] = piece
        elif self._file is not None:
            rest = memoryview(piece)
            with as_spool_full():
                while rest:
                    rest = rest[self._file.write(rest) :]
        self._written = end

    @property
    def complete(self) -> bool:
        """Whether all of it was written."""
        return self._written == self.size

    def view(self) -> memoryview:
        """Returns the whole body; what is on disk is mapped, not read."""
        if self._memory is not None:
            return memoryview(self._memory)
        assert self._file is not None
        if self._mapped is None:
            self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return memoryview(self._mapped)

    def drop(self) -> None:
        """Gives the room back; harmless when repeated."""
        if self._memory is not None:
            self._memory = None
            self._spool.give_back(self.size)
        if self._file is not None:
            self._file.close()  # an unnamed file: its space is free now
            self._file = None
        # The mapping ends with the last view of it.
        self._mapped = None


class Spool:
    """A private folder and an amount of memory that all buffers share."""

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        self._folder = folder
        self._free = memory_bytes
        self._lock = threading.Lock()  # requests take room in one thread, results in another

    def clear(self) -> None:
        """Empties the folder, or makes it, readable by the user alone."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def buffer(self, size: int) -> BodyBuffer:
        """Makes room for so many bytes.

        Raises:
            SpoolFull: There is none.
        """
        return BodyBuffer(self, size)

    def take(self, size: int) -> bytearray | None:
        """Takes memory, if so much is left."""
        with self._lock:
            if size > self._free:
                return None
            self._free -= size
        try:
            return bytearray(size)
        except MemoryError:
            self.give_back(size)
            return None

    def give_back(self, size: int) -> None:
        """Takes memory back."""
        with self._lock:
            self._free += size

    def open_file(self, size: int) -> FileIO:
        """Opens a file in the folder that nobody else can open, with room for so many bytes."""
        with as_spool_full():
            # Unbuffered, so that nothing is left to be written, and to fail, when it is closed.
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - the buffer's
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    file.close()
                    raise
                # This file system can't tell beforehand: it will tell when it is written to.
            return file


@contextlib.contextmanager
def as_spool_full() -> Generator[None]:
    """Turns a disk's refusal into what the front end shows."""
    try:
        yield
    except OSError as error:
        raise SpoolFull(
            f"The engine has no room for the picture ({error.strerror})",
            hint="Free some disk space in the home folder, or wait until other jobs are done",
        ) from error
