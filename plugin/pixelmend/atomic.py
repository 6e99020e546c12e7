"""A result that appears whole or not at all.

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
def replacing(path: Path, *, overwrite: bool) -> Generator[Path, None, None]:
    """Opens a temporary file beside `path`, which becomes `path` when the block ends well.

    When it does not, the temporary file is gone and `path` is as it was. A link is followed.

    Raises:
        OutputExists: `path` is there, now or at the end, and `overwrite` is not set.
        OutputFailed: Its folder is missing or can't be written to.
    """
    with told(path):
        target = path.resolve()
        if target.exists() and not overwrite:
            raise _exists(path)
    temporary = target.with_name(f".{secrets.token_hex(4)}.part{target.suffix}")
    try:
        with told(path):
            # Opened once here, so that a folder that can't be written to is found before the work.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with told(path):
            if target.exists() and not overwrite:
                raise _exists(path)  # it came while we worked
            temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):  # it was never made, or has become the result
            temporary.unlink()


def _exists(path: Path) -> OutputExists:
    return OutputExists(
        f"`{path}` is there already", hint="Use --overwrite to replace it, or -o to name another"
    )


@contextlib.contextmanager
def told(path: Path) -> Generator[None, None, None]:
    """Turns what the system says of a file that can't be written into what a user reads."""
    try:
        yield
    except OSError as error:
        raise OutputFailed(
            f"`{path}` can't be written: {error.strerror or error}",
            hint="Check that the folder exists, may be written to and has space, or use --out-dir",
        ) from error
