"""Running a piece of work in a process of its own, to see what it takes."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    """What a process took."""

    seconds: float
    peak_bytes: int


def run(*command: str) -> Taken:
    """Runs a command to its end and measures it from outside; POSIX only."""
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Taken(time.monotonic() - started, usage.ru_maxrss * unit)
