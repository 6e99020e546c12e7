"""The file that says how the engine is reached: written at start, watched, and written again."""

import contextlib
import dataclasses
import json
import logging
import os

from pixelmend import data_folder
from pixelmend.atomic import atomic_write_text
from pixelmend.paths import Paths
from pixelmend.wire import Json
from pixelmend_engine.server.authentication import Credentials, Secrets, new_secrets

logger = logging.getLogger(__name__)


class StateFile:
    """What front ends read to find the engine; its token counts from when it stands there."""

    def __init__(self, paths: Paths, credentials: Credentials, facts: Json) -> None:
        self._paths = paths
        self._credentials = credentials
        self._facts = facts
        self._lock = _identity(paths)  # held by this process since before it made this
        self._last_report = ""  # what was last said of a file that can't be looked at

    def write(self) -> None:
        """Writes it, readable by the user alone.

        Raises:
            OSError: It can't be written.
        """
        data_folder.make(self._paths)
        self._write(self._credentials.secrets)

    def remove(self) -> None:
        """Takes it away, unless it is another engine's."""
        if not self.taken_over():
            with contextlib.suppress(OSError):
                self._paths.state.unlink()

    def taken_over(self) -> bool:
        """Says whether the folder was deleted and made anew, so that another engine has it now."""
        lock = _identity(self._paths)
        return lock is not None and lock != self._lock

    def watch(self) -> None:
        """Sees to it that it stands there as it was written.

        Lost, it comes again as it was, once its folder is there. Only where it was changed, or
        opened to others, who may know its secrets now, are there new ones. A file that can't be
        looked at (a home that is unmounted, too many open files) is no change.
        """
        try:
            mode = self._paths.state.stat().st_mode
            content = self._paths.state.read_bytes()
        except FileNotFoundError:
            if self._paths.home.is_dir():
                self._write_again(self._credentials.secrets, "the state file was lost")
            return
        except OSError as error:
            self._tell(f"the state file can't be read: {error.strerror}")
            return
        is_private = os.name == "nt" or mode & 0o077 == 0
        if not is_private or content != self._content(self._credentials.secrets).encode():
            self._write_again(new_secrets(), "the state file was changed: made a new token")
            return
        self._last_report = ""

    def _write_again(self, secrets: Secrets, why: str) -> None:
        try:
            self._write(secrets)
        except OSError as error:
            self._tell(f"the state file can't be written: {error.strerror}")
            return
        # Not before it is there to be read: until then front ends have the old one.
        self._credentials.secrets = secrets
        self._tell(why)

    def _tell(self, words: str) -> None:
        if words != self._last_report:
            logger.warning("%s", words)
        self._last_report = words

    def _write(self, secrets: Secrets) -> None:
        atomic_write_text(self._paths.state, self._content(secrets), mode=0o600)

    def _content(self, secrets: Secrets) -> str:
        return json.dumps({**self._facts, **dataclasses.asdict(secrets)})


def _identity(paths: Paths) -> tuple[int, int] | None:
    try:
        status = paths.lock.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
