"""Workers that are processes of this computer; one that ends is started anew."""

import contextlib
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pixelmend.errors import EngineUnavailable
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.pool import Died, Event, Finished, Noted
from pixelmend_engine.batch.records import Lease, Outcome

COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "pixelmend_engine.batch.worker")
MAX_STILLBORN = 3  # workers in a row that end without an answer and without a picture
SMALL_RUSH = 256  # events handed on at once


@dataclasses.dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    input: IO[bytes]
    has_answered: bool = False
    has_pictures: bool = False


class LocalPool:
    """One process for each device, or for so many cores."""

    def __init__(
        self, jobs: Sequence[BatchJob], log: Path, command: Sequence[str] = COMMAND
    ) -> None:
        """`jobs` has one for each worker: they differ by device and threads."""
        self._jobs = {f"worker-{number}": job for number, job in enumerate(jobs)}
        self._command = command
        self._log = log
        self._events: queue.Queue[Event] = queue.Queue()
        self._stillborn = 0
        self._closed = False
        self._workers = {name: self._start(name) for name in self._jobs}

    def workers(self) -> Sequence[str]:
        """See `WorkerPool.workers`."""
        return list(self._workers)

    def is_starting(self) -> bool:
        """See `WorkerPool.is_starting`; who has just started takes pictures already."""
        return False

    def send(self, worker: str, lease: Lease) -> None:
        """See `WorkerPool.send`."""
        to = self._workers[worker]
        to.has_pictures = True
        with contextlib.suppress(OSError):  # it has ended, as `wait` will say
            to.input.write(json.dumps(dataclasses.asdict(lease)).encode() + b"\n")
            to.input.flush()

    def wait(self, timeout_s: float) -> list[Event]:
        """See `WorkerPool.wait`.

        Raises:
            EngineUnavailable: Workers end as soon as they start.
        """
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            events.append(self._events.get(timeout=timeout_s))
            while len(events) < SMALL_RUSH:
                events.append(self._events.get_nowait())
        for event in events:
            if isinstance(event, Died) and event.worker in self._workers:
                self._replace(event)
            elif event.worker in self._workers:
                self._workers[event.worker].has_answered = True
                self._stillborn = 0
        return events

    def retire(self, worker: str) -> None:
        """See `WorkerPool.retire`."""
        _end(self._workers.pop(worker).process)

    def close(self) -> None:
        """See `WorkerPool.close`."""
        self._closed = True
        for worker in list(self._workers):
            self.retire(worker)

    def pids(self) -> list[int]:
        """Returns the processes' ids."""
        return [worker.process.pid for worker in self._workers.values()]

    def _replace(self, event: Died) -> None:
        dead = self._workers[event.worker]
        if not (dead.has_answered or dead.has_pictures):
            self._stillborn += 1
        if self._stillborn >= MAX_STILLBORN:
            raise EngineUnavailable(
                f"The workers end as soon as they start: {event.reason}",
                hint=f"`{self._log}` shows what happened; `pixelmend doctor` looks for the cause",
            )
        with contextlib.suppress(OSError):  # what it was not told it need not know
            dead.input.close()
        self._workers[event.worker] = self._start(event.worker)

    def _start(self, name: str) -> _Worker:
        with self._log.open("ab") as log:
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    # Ctrl-C in a terminal goes to a whole group; it is the head's alone.
                    start_new_session=os.name != "nt",
                )
            except OSError as error:
                raise EngineUnavailable(
                    f"The workers can't be started: {error.strerror or error}",
                    hint="`pixelmend doctor` looks for the cause",
                ) from error
        assert process.stdin is not None
        assert process.stdout is not None
        threading.Thread(
            target=self._listen, args=(name, process, process.stdout), daemon=True
        ).start()
        with contextlib.suppress(OSError):
            process.stdin.write(self._jobs[name].to_json().encode() + b"\n")
            process.stdin.flush()
        return _Worker(process, process.stdin)

    def _listen(self, name: str, process: subprocess.Popen[bytes], answers: IO[bytes]) -> None:
        with answers:
            for line in answers:
                if not line.endswith(b"\n"):
                    break  # it was killed in the middle of it
                fields = json.loads(line)
                self._events.put(
                    Noted(name, fields["note"])
                    if "note" in fields
                    else Finished(name, Outcome(**fields))
                )
        code = process.wait()
        if not self._closed:
            self._events.put(Died(name, _reason(code)))


def _reason(code: int) -> str:
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    why = ", as for want of memory" if name == "SIGKILL" else ""
    return f"the system ended it ({name}{why})"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
