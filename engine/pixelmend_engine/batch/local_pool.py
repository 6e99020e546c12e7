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
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pixelmend.errors import EngineUnavailable
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.pool import Completion, Event, Notice, WorkerExit
from pixelmend_engine.batch.records import Lease, Outcome
from pixelmend_engine.batch.stall_watch import MAX_GAP_S, MIN_SILENCE_S, MIN_TIMEOUT_S

COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "pixelmend_engine.batch.worker")
MAX_EARLY_EXITS = 3  # workers in a row that end without an answer and without a picture
MAX_EVENTS = 256  # events handed on at once


@dataclasses.dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    input: IO[bytes]
    heard_at: float  # when its last line came, on the monotonic clock
    has_answered: bool = False
    has_pictures: bool = False
    silent_s: float | None = None  # it was ended because it said nothing for so long


class LocalPool:
    """One process for each device, or for so many cores."""

    def __init__(
        self, jobs: Sequence[BatchJob], log: Path, command: Sequence[str] = COMMAND
    ) -> None:
        """`jobs` has one for each worker: they differ by device and threads."""
        self._timeout_s = max((job.stall_timeout_s or MIN_TIMEOUT_S for job in jobs), default=0.0)
        self._waited_at = time.monotonic()
        self._jobs = {f"worker-{number}": job for number, job in enumerate(jobs)}
        self._command = command
        self._log = log
        self._events: queue.Queue[Event] = queue.Queue()
        self._early_exits = 0
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
        self._end_silent()
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            events.append(self._events.get(timeout=timeout_s))
            while len(events) < MAX_EVENTS:
                events.append(self._events.get_nowait())
        for event in events:
            if isinstance(event, WorkerExit) and event.worker in self._workers:
                self._replace(event)
            elif event.worker in self._workers:
                self._workers[event.worker].has_answered = True
                self._early_exits = 0
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

    def _end_silent(self) -> None:
        now = time.monotonic()
        has_stood_still = now - self._waited_at > MAX_GAP_S
        self._waited_at = now
        for worker in self._workers.values():
            if has_stood_still:  # this process did, and maybe the whole computer
                worker.heard_at = now
            silent_s = now - worker.heard_at
            if silent_s > max(self._timeout_s, MIN_SILENCE_S) and worker.silent_s is None:
                worker.silent_s = silent_s
                worker.process.kill()

    def _replace(self, event: WorkerExit) -> None:
        dead = self._workers[event.worker]
        if not (dead.has_answered or dead.has_pictures):
            self._early_exits += 1
        if self._early_exits >= MAX_EARLY_EXITS:
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
        worker = _Worker(process, process.stdin, time.monotonic())
        threading.Thread(
            target=self._listen, args=(name, worker, process.stdout), daemon=True
        ).start()
        with contextlib.suppress(OSError):
            process.stdin.write(self._jobs[name].to_json().encode() + b"\n")
            process.stdin.flush()
        return worker

    def _listen(self, name: str, worker: _Worker, answers: IO[bytes]) -> None:
        stalled: dict[int, float] = {}
        with answers:
            for line in answers:
                if not line.endswith(b"\n"):
                    break  # it was killed in the middle of it
                worker.heard_at = time.monotonic()
                fields = json.loads(line)
                if "stalled" in fields:
                    if fields["stalled"] and not stalled:
                        stalled = {int(key): value for key, value in fields["stalled"].items()}
                        worker.process.kill()
                    continue
                self._events.put(
                    Notice(name, fields["note"])
                    if "note" in fields
                    else Completion(name, Outcome(**fields))
                )
        code = worker.process.wait()
        if not self._closed:
            self._events.put(WorkerExit(name, _reason(code, worker.silent_s), stalled=stalled))


def _reason(code: int, silent_s: float | None) -> str:
    if silent_s is not None:
        return f"it did nothing for {silent_s / 60:.0f} minutes"
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
