"""How much memory the system grants this process, asked here and nowhere else.

Beside what the computer has, a control group of Linux may grant less (a container, a slice of
systemd), and so may each of the groups that it lies in; or a limit of the process (`ulimit -v`).
Who takes more than a group grants is killed, without a word.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; proc(5).
"""

import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path("/")  # of the system's files
PLANNED_SHARE = 0.5  # of what is free, for a tile; the rest is for the user's other programs


@dataclass(frozen=True)
class Memory:
    """What this process may hold in all, and what it may still take. Bytes."""

    total_bytes: int
    free_bytes: int
    grantor: str  # what grants no more in all: "this computer", or what sets a lower limit


@dataclass(frozen=True)
class Share:
    """What one of several processes that compute side by side may take. None: all there is."""

    host_bytes: int | None = None
    gpu_fraction: float = 1.0  # of its GPU's memory


_share = Share()


def limit_to(share: Share) -> None:
    """Has this process plan for its share alone, from now on."""
    global _share
    _share = share


def share() -> Share:
    """Returns what this process may take; see `limit_to`."""
    return _share


def granted() -> Memory:
    """Asks the system; the least of what each limit leaves counts."""
    computer = psutil.virtual_memory()
    limits = [
        Memory(computer.total, computer.available, "this computer"),
        *_control_groups(),
        *_process_limits(),
        *_shares(),
    ]
    least = min(limits, key=lambda limit: limit.total_bytes)
    free_bytes = max(0, min(limit.free_bytes for limit in limits))
    return Memory(least.total_bytes, free_bytes, least.grantor)


@dataclass(frozen=True)
class _Files:
    """What one version of control groups calls its files."""

    limits: tuple[str, ...]
    usage: str
    cache: str  # in `memory.stat`, with that of all groups inside


V1 = _Files(("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")
# Above `memory.high` nobody is killed, but made to wait until little else happens.
V2 = _Files(("memory.max", "memory.high"), "memory.current", "inactive_file")


def _control_groups() -> Generator[Memory]:
    try:
        groups = (ROOT / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = (ROOT / "proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # another system
        return
    for line in groups:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from _levels(path, mounts, "cgroup2", V2)
        elif "memory" in controllers.split(","):
            yield from _levels(path, mounts, "cgroup", V1)


def _levels(path: str, mounts: list[str], kind: str, files: _Files) -> Generator[Memory]:
    """Yields what a group grants, and each that it lies in, as far as they are mounted here."""
    for line in mounts:
        place, _, system = line.partition(" - ")
        fields, (system_kind, _, options) = place.split(), system.split(" ", 2)
        if system_kind != kind or (kind == "cgroup" and "memory" not in options.split(",")):
            continue
        top = fields[3]  # the group that is mounted there: a container may see none above it
        mounted = ROOT / fields[4].replace("\\040", " ").lstrip("/")
        relative = os.path.relpath(path, top)
        folder = mounted if relative.startswith("..") else (mounted / relative)
        while True:
            yield from _level(folder, files)
            if folder == mounted or _text(folder.parent / "memory.use_hierarchy") == "0":
                break  # version 1 lets a group count for itself alone
            folder = folder.parent
        return


def _level(folder: Path, files: _Files) -> Generator[Memory]:
    limits = [int(text) for text in map(_text, (folder / name for name in files.limits)) if text]
    usage = _text(folder / files.usage)
    if limits and usage:
        used = int(usage) - _cached_bytes(folder, files.cache)
        yield Memory(min(limits), min(limits) - used, f"the control group `{folder}`")


def _cached_bytes(folder: Path, name: str) -> int:
    # Pages of files, such as mapped weights, which the system takes back where it needs room.
    rows = (row.split() for row in (_text(folder / "memory.stat") or "").splitlines())
    return next((int(row[1]) for row in rows if row[0] == name), 0)


def _text(file: Path) -> str | None:
    # None: the file is not there, as in the topmost group, or there is no limit.
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    return None if text == "max" else text


def _shares() -> Generator[Memory]:
    if _share.host_bytes is not None:
        free_bytes = _share.host_bytes - psutil.Process().memory_info().rss
        yield Memory(_share.host_bytes, free_bytes, "this worker's share")


def _process_limits() -> Generator[Memory]:
    if sys.platform != "linux":
        return
    import resource  # absent on Windows

    taken = psutil.Process().memory_info()
    for limit, used, name in (
        (resource.RLIMIT_AS, taken.vms, "ulimit -v"),
        (resource.RLIMIT_DATA, taken.data, "ulimit -d"),
    ):
        bytes_, _ = resource.getrlimit(limit)
        if bytes_ != resource.RLIM_INFINITY:
            yield Memory(bytes_, bytes_ - used, f"`{name}`")
