"""The user's data folder: here alone it is made, and the logs in it are opened.

Folder and logs are the user's alone: logs may name what the user works on. A log that grows is
rotated. Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import contextlib
import errno
import logging.handlers
import os
import secrets
import stat
import time
import traceback
from pathlib import Path
from typing import IO, Any, Generator

from .errors import EngineUnavailable
from .paths import Paths
from .printable import printable_lines, without_passwords

FOLDER_MODE, LOG_MODE = 0o700, 0o600
LOG_BYTES = 1_000_000  # then a log is rotated
OLD_LOGS = 3
PROBE_BYTES = 64 * 1024  # more than the engine writes before it works


def make(paths: Paths) -> None:
    """Makes the data folder where it is missing; one that is there keeps its permissions.

    Raises:
        OSError: It can't be made.
    """
    paths.home.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def check(paths: Paths) -> None:
    """Makes the data folder, and makes sure that something can be written into it.

    Raises:
        EngineUnavailable: It can't, and why.
    """
    with as_unavailable(paths):
        make(paths)
        probe = paths.home / f".{secrets.token_hex(4)}.probe"
        try:
            # Space is taken when bytes are written: an empty file can be made on a full disk.
            with open(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, LOG_MODE), "wb") as file:
                file.write(bytes(PROBE_BYTES))
        finally:
            with contextlib.suppress(FileNotFoundError):
                probe.unlink()


@contextlib.contextmanager
def as_unavailable(paths: Paths) -> Generator[None, None, None]:
    """Turns what the system says of the data folder into what a user reads."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        first = "Make room on its disk" if full else "Make it writable for you"
        raise EngineUnavailable(
            f"The data folder can't be written to ({error.strerror or error}): `{paths.home}`",
            hint=f"{first}, or name another folder with PIXELMEND_HOME",
        ) from error


def open_log(path: Path, *, anew: bool = False) -> IO[bytes]:
    """Opens a log to append to it, rotated if it has grown; with `anew` from its beginning.

    Raises:
        OSError: It can't be written.
    """
    if not anew:
        _rotate(path)
    flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | (os.O_TRUNC if anew else 0)
    return open(path, "ab", opener=lambda name, _: _open_private(name, flags))


def report(paths: Paths, error: BaseException) -> Path:
    """Writes what nobody expected of a front end into its log; returns where that is."""
    with contextlib.suppress(OSError):
        make(paths)
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        text = printable_lines(without_passwords("".join(lines)))
        text = time.strftime("%Y-%m-%d %H:%M:%S\n") + text
        with open_log(paths.front_end_log) as file:
            file.write(text.encode())
    return paths.front_end_log


def bound(path: Path) -> None:
    """Keeps the end alone of what a process appends to, if it has grown: a process's own stderr."""
    with contextlib.suppress(OSError), open(path, "rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if size > LOG_BYTES:
            file.seek(size - LOG_BYTES // 2)
            kept = file.read()
            file.truncate(0)
            file.seek(0)
            file.write(kept)


class LogFile(logging.handlers.RotatingFileHandler):
    """What a process logs, rotated."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8")

    def _open(self) -> Any:  # as the handler asks for it, at the start and after each rotation
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            opener=lambda name, _: _open_private(name, flags),
        )


def _open_private(name: str, flags: int) -> int:
    descriptor = os.open(name, flags, LOG_MODE)
    # Releases before made logs that others may read. A device is nobody's log.
    if os.name != "nt" and stat.S_ISREG(os.fstat(descriptor).st_mode):
        with contextlib.suppress(OSError):  # it is somebody else's
            os.fchmod(descriptor, LOG_MODE)
    return descriptor


def _rotate(path: Path) -> None:
    try:
        if path.stat().st_size < LOG_BYTES:
            return
    except FileNotFoundError:
        return
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, OLD_LOGS + 1))]
    for older, newer in zip(reversed(names), list(reversed(names))[1:]):
        with contextlib.suppress(FileNotFoundError):
            os.replace(newer, older)
