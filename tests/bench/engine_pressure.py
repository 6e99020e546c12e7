"""Measures what many jobs, cancels and idle connections leave behind in the engine's process.

    python tests/bench/engine_pressure.py

An engine that computes nothing takes 1,000 pictures of a megapixel, four at a time, then 300 that
are canceled while they run, then 600 connections that say nothing while pictures go there and back.
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.errors import Canceled
from pixelmend.paths import Paths
from pixelmend.wire import Event, Raster

CANCELS, IDLE, AT_ONCE = 300, 600, 4
MARKS = (1, 100, 250, 500, 750, 1000)  # jobs, after which it is looked at
FAKE = Path(__file__).parent.parent / "protocol" / "fake_engine.py"
PICTURE = Raster(1000, 1000, "U8", "RGB", bytes(3_000_000))


def restore(client: Client) -> None:
    """Has a picture restored."""
    client.restore(PICTURE, "deblur", {})


def cancel(client: Client) -> None:
    """Gives a picture up while it is worked on."""

    def stop(event: Event) -> None:
        if event.phase == "run":
            raise Canceled("enough", hint="")

    with contextlib.suppress(Canceled):
        client.restore(PICTURE, "deblur", {}, stop)


@contextlib.contextmanager
def running(home: Path, *options: str) -> Generator[tuple[Client, psutil.Process]]:
    """Runs an engine that gives pictures back."""
    command = [sys.executable, str(FAKE), "--home", str(home), *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while (client := launch.find(Paths(home))) is None:
            time.sleep(0.05)
        yield client, psutil.Process(process.pid)
        process.terminate()


def row(words: str, started: float, process: psutil.Process, most_files: int = 0) -> None:
    """Prints a line of the table."""
    megabytes = process.memory_info().rss / 1e6
    files = f"{process.num_fds()}" + (f" (at most {most_files})" if most_files else "")
    print(f"| {words} | {time.monotonic() - started:.0f} | {megabytes:.0f} | {files} |", flush=True)


def main() -> None:
    """Prints a table."""
    print("| after | seconds | megabytes | files and connections |\n|---|---|---|---|")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), "--steps", "2") as (client, process),
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        started = time.monotonic()
        row("the start", started, process)
        done = 0
        for jobs in MARKS:
            list(pool.map(restore, [client] * (jobs - done)))
            done = jobs
            row(f"{done} job{'s' if done > 1 else ''}", started, process)
        list(pool.map(cancel, [client] * CANCELS))
        row(f"{CANCELS} cancels", started, process)
        with contextlib.ExitStack() as stack:
            for _ in range(IDLE):
                connection = socket.create_connection(("127.0.0.1", client.port))
                stack.enter_context(connection)
            most = process.num_fds()
            for _ in range(10):
                restore(client)
                most = max(most, process.num_fds())
            row(f"{IDLE} idle connections, 10 jobs among them", started, process, most)
        time.sleep(1)
        row("they are closed", started, process)


if __name__ == "__main__":
    main()
