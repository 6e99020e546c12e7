"""Finding the user's engine, or starting it.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shlex
import socket
import stat
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, cast

from .. import __version__, data_folder
from ..errors import EngineBusy, EngineUnavailable, PixelmendError, from_json
from ..paths import Paths
from .client import Client

ANSWERS_WITHIN_S = 6.0  # an engine that does not is hung, or its computer is
STATE_WITHIN_S = 2.0  # from its lock to its state file, which it writes again when it is lost
ASK_AGAIN_S = 1.0  # an engine that works for somebody else
START_WITHIN_S = 60.0  # a cold disk takes its time to import
END_WITHIN_S = 20.0
POLL_S = 0.05
EDITORS = ("GIMP", "Krita")  # front ends that are copies, which `pixelmend setup` updates
MAX_STATE = 64 * 1024  # bytes; names of folders are the longest of it
SECRET = re.compile("[!-~]{16,256}")  # what an engine writes as token and proof
DETACHED = 0x00000008 | 0x00000200  # Windows: DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP

# What hosts and their packages (AppImage, Flatpak, Snap, macOS bundles) put into the environment
# for themselves. In the engine's Python it would find the wrong libraries, or none.
HOST_PREFIXES = (
    "PYTHON",
    "LD_",
    "DYLD_",
    "GI_",
    "GIO_",
    "GDK_PIXBUF",
    "GTK_",
    "GEGL",
    "BABL",
    "GIMP",
    "FONTCONFIG",
    "GSETTINGS_SCHEMA",
    "G_RESOURCE",
    "QT_",
    "QML",
)
PACKAGE_VARIABLES = ("APPDIR", "APPIMAGE", "ARGV0", "OWD", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Launch:
    """How the engine is started where none is running."""

    python: str  # the interpreter that has pixelmend_engine
    models: Path
    release_after_s: float = 5 * 60.0
    exit_after_s: float = 30 * 60.0


@dataclass(frozen=True)
class RunningEngine:
    """An engine that has answered, and what it says of itself."""

    client: Client
    state: Mapping[str, Any]
    health: Mapping[str, Any]


def find(paths: Paths) -> Client | None:
    """Returns the running engine; None where there is none, or none that can be trusted.

    A state file that others may read is not trusted: its engine notices, and writes a new one.

    Raises:
        EngineUnavailable: One is running, and does not answer; the error names its process.
    """
    running = _find(paths)
    return None if running is None else running.client


def find_surely(paths: Paths) -> Client | None:
    """Returns the running engine, as `find` does; waits for one that is about to say where it is.

    Raises:
        EngineUnavailable: One is running, and can't be reached or does not answer.
    """
    running = _find_surely(paths)
    return None if running is None else running.client


def _find_surely(paths: Paths) -> RunningEngine | None:
    deadline = time.monotonic() + STATE_WITHIN_S
    while True:
        running = _find(paths)
        if running is not None or not _is_locked(paths):
            return running
        if time.monotonic() > deadline:
            raise EngineUnavailable(
                "An engine is running, and does not say where it can be reached",
                hint=f"Wait a little; if it stays so, end its process, which holds `{paths.lock}`",
            )
        time.sleep(POLL_S)


def _find(paths: Paths, models: Path | None = None, front_end: str = "") -> RunningEngine | None:
    state = read_state(paths)
    if state is None:
        return None
    client = Client(
        state["port"],
        state["token"],
        challenges=_challenges(state),
        models=models,
        front_end=front_end,
    )
    try:
        health = client.health(ANSWERS_WITHIN_S)
    except PixelmendError as error:
        # Of another class than TimeoutError, in Python 3.9.
        is_silent = isinstance(error.__cause__, socket.timeout)
        # Who holds the lock now may be another, which has taken the file of an ended one away.
        if is_silent and _is_locked(paths) and read_state(paths) == state:
            raise _silent(state) from error
        return None  # it is gone, and another program may have its port
    # All that an engine of release 0.1 shows of itself.
    return RunningEngine(client, state, health) if health.get("proof") == state["proof"] else None


def _silent(state: Mapping[str, Any]) -> EngineUnavailable:
    """Returns what is said of an engine that is there and does not answer."""
    return EngineUnavailable(
        f"The engine (process {state.get('pid')}) is running, and does not answer",
        hint="Wait a little; `pixelmend engine stop --force` ends it, and what it is doing",
    )


def _is_locked(paths: Paths) -> bool:
    # Whether a process holds the lock that an engine holds for as long as it lives.
    try:
        with open(paths.lock, "rb+") as file:
            if os.name == "nt":
                import msvcrt

                locking = getattr(msvcrt, "locking")  # noqa: B009 - absent elsewhere
                locking(file.fileno(), getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
                locking(file.fileno(), getattr(msvcrt, "LK_UNLCK"), 1)  # noqa: B009
            else:
                import fcntl

                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _challenges(state: Mapping[str, Any]) -> bool:
    return state.get("challenge") is True


def read_state(paths: Paths) -> dict[str, Any] | None:
    """Reads what a running engine says of itself; None where that is missing or not sound."""
    try:
        status = paths.state.stat()
        if os.name != "nt" and status.st_mode & 0o077:
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_STATE:
            return None
        state = json.loads(paths.state.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", state) if _is_sound(state) else None


def _is_sound(state: object) -> bool:
    # What a damaged file says must reach neither a socket nor a header.
    if not isinstance(state, dict):
        return False
    fields = cast("dict[str, Any]", state)
    port = fields.get("port")
    return (
        all(isinstance(fields.get(name), str) for name in ("version", "token", "proof", "models"))
        and _path_bytes(fields["models"]) is not None
        and all(SECRET.fullmatch(fields[name]) for name in ("token", "proof"))
        and type(port) is int
        and 0 < port < 2**16
    )


def find_or_start(
    paths: Paths,
    launch: Launch,
    pause: Callable[[float], None] = time.sleep,
    *,
    front_end: str = "",
    tell: Callable[[str], None] | None = None,
) -> Client:
    """Returns an engine of this version: the running one, or one started now.

    Its jobs take the models of `launch`. An engine of another version that works for somebody is
    waited for; `tell` takes words on that, again and again. `pause` waits for so many seconds; it
    may raise to stop. `front_end` is who asks, as others that wait read it.

    Raises:
        EngineUnavailable: It can't be started, or one is running that does not answer, or Pixelmend
            has another version than this copy of its front end.
    """
    deadline = time.monotonic() + START_WITHIN_S
    process: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        running = _find(paths, launch.models, front_end)
        if running is not None:
            if _fits(running):
                return running.client
            if running.state["version"] != __version__:
                _check_installed(launch, front_end)
            try:
                _end_idle(paths, running)
            except EngineBusy as busy:
                if tell is not None:
                    tell(f"{busy.message}; waiting until it is done")
                pause(ASK_AGAIN_S)
                deadline = time.monotonic() + START_WITHIN_S
            continue
        if process is None or (process.poll() == 0):
            # Ended in peace: another one was running, which may be about to end.
            process = start(paths, launch)
        elif process.poll() is not None:
            break
        pause(POLL_S)
    raise _why_not_started(paths, launch)


def _fits(running: RunningEngine) -> bool:
    # Another version may speak another language; release 0.1 can't show who it is, and has one
    # models folder for all jobs.
    return running.state["version"] == __version__ and _challenges(running.state)


def _check_installed(launch: Launch, front_end: str) -> None:
    # A plug-in is a copy. Where Pixelmend was updated since, every engine that it starts is of
    # another version: it would end those of others, and find none of its own.
    command = [launch.python, "-I", "-c", "import pixelmend; print(pixelmend.__version__)"]
    try:
        ended = subprocess.run(
            command,
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=START_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return  # the start will say why
    installed = ended.stdout.decode("ascii", errors="replace").strip()
    if ended.returncode or not installed or installed == __version__:
        return
    where = front_end.lower() if front_end in EDITORS else ""
    raise EngineUnavailable(
        f"This plug-in is of version {__version__}, and Pixelmend is of version {installed[:40]}",
        hint=f"Run `pixelmend setup {where}`, and start {front_end} anew"
        if where
        else "Install Pixelmend again",
    )


def _end_idle(paths: Paths, running: RunningEngine) -> None:
    # Engines of release 0.1 end whatever they do: they are not asked while they work.
    if running.health.get("busy") and not _challenges(running.state):
        raise EngineBusy(
            f"The engine of version {running.state['version']} is at work", hint="Wait for it"
        )
    _stop(paths, running, cancel_jobs=False)


def _path_bytes(text: str) -> bytes | None:
    try:
        return text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        return None  # halves of characters that stand for no byte


def start(paths: Paths, launch: Launch) -> subprocess.Popen[bytes]:
    """Starts an engine that outlives us; it ends at once where one is running."""
    data_folder.check(paths)
    if os.name == "nt":
        # GIMP's folder of libraries would be searched by our children, too.
        getattr(ctypes, "windll").kernel32.SetDllDirectoryW(None)  # noqa: B009 - absent elsewhere
    with data_folder.as_unavailable(paths):
        output = data_folder.open_log(paths.start_log, anew=True)
    with output:
        try:
            process = subprocess.Popen(
                command(paths, launch),
                env=clean_environment(os.environ),
                cwd=str(paths.home),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                close_fds=True,
                start_new_session=os.name != "nt",
                creationflags=DETACHED if os.name == "nt" else 0,
            )
        except OSError as error:
            raise EngineUnavailable(
                f"The engine does not start ({error.strerror}): `{launch.python}`",
                hint="Start it in a terminal with `pixelmend serve`, or install Pixelmend again",
            ) from error
    # Where the front end lives longer than the engine, somebody has to take note of its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def command(paths: Paths, launch: Launch) -> list[str]:
    """Returns the command that runs an engine."""
    return [
        launch.python,
        # Isolated from the host's Python, and from files that lie in the current folder.
        *("-I", "-X", "utf8", "-m", "pixelmend_engine"),
        *("--home", str(paths.home)),
        *("--models", str(launch.models)),
        *("--release-after", str(launch.release_after_s)),
        *("--exit-after", str(launch.exit_after_s)),
    ]


def stop(paths: Paths) -> bool:
    """Ends the running engine, whatever its version and whatever it does, and waits for it.

    Returns False if there is none.

    Raises:
        EngineUnavailable: It does not answer, or does not end.
    """
    running = _find_surely(paths)
    if running is None:
        return False
    _stop(paths, running, cancel_jobs=True)
    return True


def _stop(paths: Paths, running: RunningEngine, *, cancel_jobs: bool) -> None:
    with contextlib.suppress(EngineUnavailable):  # somebody else was quicker
        running.client.shut_down(cancel_jobs=cancel_jobs)
    deadline = time.monotonic() + END_WITHIN_S
    while read_state(paths) == running.state:  # to remove it is the last thing that an engine does
        if time.monotonic() > deadline:
            raise EngineUnavailable(
                f"The engine (process {running.state.get('pid')}) does not end",
                hint="`pixelmend engine stop --force` ends it",
            )
        time.sleep(POLL_S)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without what a host has put into it for itself."""
    cleaned = {
        name: value
        for name, value in environ.items()
        if not name.startswith(HOST_PREFIXES) and name not in PACKAGE_VARIABLES
    }
    bundle = environ.get("APPDIR")
    if bundle and "PATH" in cleaned:
        entries = cleaned["PATH"].split(os.pathsep)
        cleaned["PATH"] = os.pathsep.join(e for e in entries if not e.startswith(bundle))
    return cleaned


def _why_not_started(paths: Paths, launch: Launch) -> PixelmendError:
    last = _last_line(paths.start_log) or _last_line(paths.log)
    with contextlib.suppress(ValueError, RecursionError):
        known = json.loads(last)  # what the engine has a sentence for
        if isinstance(known, dict):
            return from_json(cast("dict[str, Any]", known))
    data_folder.check(paths)  # where it is full, the engine can't have said so
    # Not from the current folder, which may hold a file of our name.
    doctor = _as_typed([launch.python, "-P", "-m", "pixelmend", "doctor"])
    return EngineUnavailable(
        f"The engine does not start; it says: {last[:300] or 'nothing'}",
        hint=f"`{doctor}` looks for the cause; the log is `{paths.log}`",
    )


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _as_typed(command: list[str]) -> str:
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)
