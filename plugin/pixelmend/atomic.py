"""Files that appear whole or not at all: written beside their place, synced, then renamed.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Generator
from pathlib import Path

from .errors import OutputExists, OutputFailed


@contextlib.contextmanager
def atomic_write(path: Path, *, overwrite: bool) -> Generator[Path, None, None]:
    """Opens a temporary file beside a user's `path`, which becomes `path` when the block ends well.

    When it does not, the temporary file is gone and `path` is as it was. A link is followed.

    Raises:
        OutputExists: `path` is there, now or at the end, and `overwrite` is not set.
        OutputFailed: Its folder is missing or can't be written to.
    """
    with as_output_failed(path):
        target = path.resolve()
        if target.exists() and not overwrite:
            raise _exists(path)
    # Two commands may write the same result at once: each has a temporary file of its own.
    temporary = target.with_name(f".{secrets.token_hex(4)}.part{target.suffix}")
    try:
        with as_output_failed(path):
            # Opened once here, so that a folder that can't be written to is found before the work.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with as_output_failed(path):
            if target.exists() and not overwrite:
                raise _exists(path)  # it came while we worked
            move_into_place(temporary, target)
    finally:
        with contextlib.suppress(OSError):  # it was never made, or has become the result
            temporary.unlink()


def _exists(path: Path) -> OutputExists:
    return OutputExists(
        f"`{path}` is there already", hint="Use --overwrite to replace it, or -o to name another"
    )


@contextlib.contextmanager
def as_output_failed(path: Path) -> Generator[None, None, None]:
    """Turns what the system says of a file that can't be written into what a user reads."""
    try:
        yield
    except OSError as error:
        raise OutputFailed(
            f"`{path}` can't be written: {error.strerror or error}",
            hint="Check that the folder exists, may be written to and has space, or use --out-dir",
        ) from error


def atomic_write_text(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Writes one of our own small files, in UTF-8; who calls sees to it that nobody else does.

    `mode` is what it may have of permissions. Where it can't be written, `path` is as it was.

    Raises:
        OSError: It can't be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()  # of a process that was killed; it may have other permissions
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with open(os.open(temporary, flags, mode), "w", encoding="utf-8") as file:
            file.write(text)
        move_into_place(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # it was never made, or has become the file
            temporary.unlink()


def move_into_place(temporary: Path, target: Path) -> None:
    """Renames a file that was written beside `target`, once its bytes are on the disk.

    A power failure must not leave a name without its bytes, nor the bytes without their name.

    Raises:
        OSError: The disk is full, or `target` can't be replaced.
    """
    with open(temporary, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)
    with contextlib.suppress(OSError):  # Windows opens no folders; some file systems sync none
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
