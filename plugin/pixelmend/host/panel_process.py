"""The panel as a process of its own, for hosts without Qt.

What it shows goes in, and what the user asks for comes out.

Lines of JSON go to its stdin, a picture's bytes behind the line that announces them; its stdout
has one word a line. When our end closes before the job's, as when the host ends the plug-in, so
does the panel. Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Iterable

from .. import data_folder
from ..client.launch import clean_environment
from ..errors import PixelmendError, to_json
from ..paths import Paths
from ..wire import Event, Json

CANCEL = b"cancel"  # the user wants no more of it


@dataclass(frozen=True)
class PanelOptions:
    """How the panel is to appear."""

    title: str
    translations: Path  # their folder
    parent_window: int = 0  # the id of the host's window; 0: not known
    color_scheme: str = ""  # "dark" or "light", as the host's windows are; empty: as the system's


class PanelProcess:
    """A panel on the screen. Where it fails, the job goes on: `failed` says so."""

    def __init__(self, python: str, options: PanelOptions, paths: Paths) -> None:
        self.canceled = False
        self.failed = False
        self._process: subprocess.Popen[bytes] | None = None
        command = [
            *(python, "-I", "-X", "utf8", "-m", "pixelmend.panel"),
            *("--title", options.title, "--translations", str(options.translations)),
            *("--above", str(options.parent_window)),
            *("--color-scheme", options.color_scheme),
        ]
        host = _host_process()
        if host is not None:
            command += ["--with-process", str(host)]
        try:
            data_folder.make(paths)
            with data_folder.open_log(paths.panel_log, anew=True) as output:
                self._process = subprocess.Popen(
                    command,
                    env=clean_environment(os.environ),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=output,
                    pass_fds=() if host is None else (host,),
                    start_new_session=os.name != "nt",
                )
        except OSError:
            self.failed = True
            return
        finally:
            if host is not None:
                os.close(host)
        listening = (self._process, self._process.stdout)
        threading.Thread(target=self._listen, args=listening, daemon=True).start()

    def show(self, event: Event) -> None:
        """Shows how far the job is."""
        self._send_line({"kind": "event", **dataclasses.asdict(event)})

    def show_model(self, model: Json, folder: Path) -> None:
        """Says which model it will be, and where its weights go if they have to be fetched."""
        self._send_line({"kind": "model", **model, "folder": str(folder)})

    def show_error(self, error: PixelmendError, details: str) -> None:
        """Shows what went wrong; it stays until the user closes it."""
        self._send_line({"kind": "error", **to_json(error), "details": details})

    def show_notes(self, notes: list[str]) -> None:
        """Says what the user should know of a result; what was said of others stays."""
        self._send_line({"kind": "notes", "notes": notes})

    def show_picture(self, name: str, width: int, height: int, rows: Iterable[bytes]) -> None:
        """Shows the picture `before` or `after`: RGBA, 8 bits, sRGB."""
        self._send_line({"kind": "picture", "name": name, "width": width, "height": height})
        for piece in rows:
            self._send(piece)

    def close(self) -> None:
        """Closes our end: the panel stays only if it shows a result or an error."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):  # what it was not told it need not know
                self._process.stdin.close()

    def _send_line(self, line: Json) -> None:
        self._send(json.dumps(line).encode() + b"\n")

    def _send(self, data: bytes) -> None:
        if self.failed or self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            self.failed = True

    def _listen(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        with output:
            for line in output:
                if line.strip() == CANCEL:
                    self.canceled = True
        process.wait()


def _host_process() -> int | None:
    # A handle of the host, which is who started us: the panel's window closes with it. Linux alone.
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(os.getppid())
    except OSError:
        return None
