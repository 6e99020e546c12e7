"""The queue: jobs one after the other, their events, their results, and how they are canceled."""

import asyncio
import collections
import contextlib
import dataclasses
import logging
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pixelmend.errors import (
    Canceled,
    EngineUnavailable,
    NotFound,
    PixelmendError,
    to_json,
    unexpected,
)
from pixelmend.wire import FINAL, Bytes, Event, Raster
from pixelmend_engine.catalog import tasks
from pixelmend_engine.restoration.task_request import (
    PlanLimit,
    ProgressCallback,
    Request,
    TaskRequest,
)
from pixelmend_engine.server.spool import BodyBuffer, Spool
from pixelmend_engine.server.unfinished import UnfinishedNote

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.05  # more would only fill the stream
DOWNLOAD_EVERY_S = 0.5  # of a download, which may take hours, and whose events are kept


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long the queue waits for what."""

    heartbeat_s: float = 0.2  # a front end expects a line at least every 0.25 s
    lease_open_s: float = 10.0  # from the submission until the event stream is first opened
    lease_reopen_s: float = 2.0  # from a broken event stream until it is opened again
    keep_result_s: float = 600.0  # unless it is fetched before
    release_after_s: float = 300.0  # without a job, memory held only to be ready is given back


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """Who hands a picture in, and what of the engine's it is for."""

    token: str = field(repr=False)  # what the job was submitted with, and is fetched with
    models_dir: Path  # whose weights it takes; users of one engine may have several
    front_end: str = ""  # as others that wait read it


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """One picture, and what is to be done with it."""

    raster: Raster
    request: Request
    models_dir: Path
    limit: PlanLimit


@runtime_checkable
class JobRunner(Protocol):
    """What runs jobs, in a thread of its own; one at a time."""

    def run(self, item: WorkItem, progress: ProgressCallback) -> list[Bytes]:
        """Does what is asked with a picture; returns the pieces of the body of a result."""
        ...

    def release(self) -> None:
        """Gives memory back that is held only to be ready."""
        ...


@dataclass(eq=False)
class Job:
    """One restoration asked for."""

    id: str
    body: BodyBuffer
    raster: Raster | None  # its pixels are views of the body; None: the job has ended
    request: Request
    submitter: Submitter
    phase: str = "queued"
    events: list[Event] = field(default_factory=list[Event])
    result: BodyBuffer | None = None
    canceled: threading.Event = field(default_factory=threading.Event)
    followers: set[asyncio.Event] = field(default_factory=set[asyncio.Event])
    lease: asyncio.TimerHandle | None = None
    phase_started: float = 0.0
    ended: float = 0.0
    phase_began_at: int = 0  # done when the phase began: a download goes on where it was cut off

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.phase in FINAL

    def raise_if_canceled(self) -> None:
        """Raises `Canceled` once somebody has canceled it; safe in any thread."""
        if self.canceled.is_set():
            raise Canceled("The job was canceled", hint="Start it again")


class Jobs:
    """All jobs of the engine. Everything here runs in the event loop's thread but the work."""

    def __init__(
        self, runner: JobRunner, spool: Spool, timing: Timing, note: UnfinishedNote
    ) -> None:
        self._runner = runner
        self._note = note
        self._spool = spool
        self._timing = timing
        self._jobs: dict[str, Job] = {}
        self._queue: collections.deque[Job] = collections.deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="work")
        self._running: Job | None = None
        self._transferring = 0
        self._closed = False
        self._last_activity = time.monotonic()

    # --- what the server asks ---------------------------------------------------------------------

    def submit(
        self, body: BodyBuffer, raster: Raster, request: Request, submitter: Submitter
    ) -> Job:
        """Puts a job at the end of the queue.

        Raises:
            EngineUnavailable: The engine is ending.
        """
        if self._closed:
            raise EngineUnavailable("The engine is ending", hint="Try again: it starts anew")
        job = Job(secrets.token_hex(8), body, raster, request, submitter)
        self._jobs[job.id] = job
        self._queue.append(job)
        self._emit(job, Event(0, "queued", position=len(self._queue)))
        self._await_follower(job, self._timing.lease_open_s)
        self._wake.set()
        return job

    def get(self, job_id: str) -> Job:
        """Returns a job that is known.

        Raises:
            NotFound: It is not, or was forgotten.
        """
        if job_id in self._jobs:
            return self._jobs[job_id]
        raise NotFound(f"The engine knows no job `{job_id}`", hint="Ask for it again")

    @property
    def tokens(self) -> set[str]:
        """What the jobs that are known were submitted with."""
        return {job.submitter.token for job in self._jobs.values()}

    def token_of(self, job_id: str) -> str | None:
        """Returns what a job was submitted with; None where it is not known."""
        job = self._jobs.get(job_id)
        return None if job is None else job.submitter.token

    def list(self) -> list[dict[str, Any]]:
        """Describes every job that is known, oldest first."""
        return [
            {
                "id": job.id,
                "phase": job.phase,
                "task": _task(job.request),
                "front_end": job.submitter.front_end,
                "seconds_left": job.events[-1].seconds_left,
            }
            for job in self._jobs.values()
        ]

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._running is not None or bool(self._queue)

    def work(self) -> str | None:
        """Says what the engine does, and for whom; None: nothing would be lost if it ended now."""
        if self._running is not None or self._queue:
            job = self._running or self._queue[0]
            words = [_task(job.request)]
            seconds_left = job.events[-1].seconds_left
            if seconds_left is not None:
                words.append(f"about {_duration(seconds_left)} left")
            if self._queue and job is self._running:
                words.append(f"{len(self._queue)} in the queue")
            whom = f" for {job.submitter.front_end}" if job.submitter.front_end else ""
            return f"The engine is at work{whom} ({', '.join(words)})"
        recently = time.monotonic() - self._timing.lease_open_s
        results = (job for job in self._jobs.values() if job.result is not None)
        if self._transferring or any(job.ended > recently for job in results):
            return "The engine is at work (a picture is on its way)"
        return None

    def touch(self) -> None:
        """Takes note that somebody is there."""
        self._last_activity = time.monotonic()

    @contextlib.contextmanager
    def transferring(self) -> Generator[None]:
        """Takes note that a picture is on its way, here or back."""
        self._transferring += 1
        try:
            yield
        finally:
            self._transferring -= 1
            self.touch()

    def idle_s(self) -> float:
        """Returns for how long nobody has wanted anything; 0 while a result waits to be fetched."""
        if self.busy or self._transferring or any(job.result for job in self._jobs.values()):
            self.touch()
        return time.monotonic() - self._last_activity

    async def follow(self, job: Job, after: int) -> AsyncGenerator[Event | None]:
        """Yields the events behind `after` as they come, and None where nothing comes for a while.

        While somebody follows a job, it is wanted; when the last one leaves, it soon is not.
        """
        changed = asyncio.Event()
        job.followers.add(changed)
        if job.lease is not None:
            job.lease.cancel()
        try:
            while True:
                changed.clear()
                for event in [event for event in job.events if event.id > after]:
                    yield event
                    after = event.id
                if job.final:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), self._timing.heartbeat_s)
                except TimeoutError:
                    yield None
        finally:
            job.followers.discard(changed)
            if not job.followers and not job.final:
                self._await_follower(job, self._timing.lease_reopen_s)

    def cancel(self, job: Job) -> None:
        """Stops a job at its next step, or before its first; drops a result that waits."""
        if job.final:
            self.forget(job)
            return
        job.canceled.set()
        if job in self._queue:
            self._queue.remove(job)
            self._end(job, Event(0, "canceled"))
            self._emit_positions()

    def forget(self, job: Job) -> None:
        """Drops a job that has ended, with its result."""
        self._jobs.pop(job.id, None)
        if job.result is not None:
            job.result.drop()

    # --- what goes on -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Works the queue off, for ever; gives memory back when nothing came for a while."""
        released = True
        while True:
            if not self._queue:
                self._wake.clear()
                try:
                    await asyncio.wait_for(
                        self._wake.wait(), None if released else self._timing.release_after_s
                    )
                except TimeoutError:
                    await self._release()
                    released = True
                continue
            released = False
            self._running = self._queue.popleft()
            self._emit_positions()
            await self._run_in_thread(self._running)
            self._running = None
            self.touch()

    def close(self) -> None:
        """Reports every job that has not ended as canceled; nothing runs after that."""
        self._closed = True
        self._queue.clear()
        for job in list(self._jobs.values()):
            job.canceled.set()
            if not job.final:
                self._end(job, Event(0, "canceled", message="The engine was stopped"))
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _release(self) -> None:
        try:
            await self._in_thread(self._runner.release)
        except Exception:
            # The same door: what can't be given back must not keep the next job waiting.
            logger.exception("the models could not be released")
        else:
            logger.info("released the models")

    async def _run_in_thread(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        last = 0.0

        def progress(
            phase: str, done: int, total: int, message: str = "", /
        ) -> None:  # in the work's thread
            nonlocal last
            job.raise_if_canceled()
            now = time.monotonic()
            every_s = DOWNLOAD_EVERY_S if phase == "download" else PROGRESS_EVERY_S
            repeated = phase == job.phase and now - last < every_s
            if repeated and (done < total or not total) and not message:
                return
            last = now
            loop.call_soon_threadsafe(self._progress, job, phase, done, total, message)

        started = time.monotonic()
        result: BodyBuffer | None = None
        try:
            assert job.raster is not None
            pixels = job.raster.width * job.raster.height
            item = WorkItem(
                raster=job.raster,
                request=job.request,
                models_dir=job.submitter.models_dir,
                limit=PlanLimit(
                    most_bytes=self._note.most_bytes(_task(job.request), pixels),
                    tell_planned=self._note.plan,
                ),
            )
            result = await self._in_thread(self._run_job, job, item, progress)
            del item  # and with it the picture
            event = Event(0, "done")
        except Canceled:
            event = Event(0, "canceled")
        except PixelmendError as error:
            event = Event(0, "failed", error=to_json(error))
        except Exception:
            # The work's thread is a door: what nobody expected must not end the queue.
            logger.exception("a job failed for a reason nobody expected")
            event = Event(0, "failed", error=to_json(unexpected()))
        if result is not None and (job.final or job.canceled.is_set()):
            result.drop()  # canceled during its last step, or the engine is ending
            event = Event(0, "canceled")
        else:
            job.result = result
        logger.info("job %s %s after %.2f s", job.id, event.phase, time.monotonic() - started)
        if not job.final:
            self._end(job, event)

    def _run_job(self, job: Job, item: WorkItem, progress: ProgressCallback) -> BodyBuffer:
        job.raise_if_canceled()
        task, pixels = _task(job.request), item.raster.width * item.raster.height
        self._note.begin(task, pixels)
        try:
            pieces = self._runner.run(item, progress)
        finally:
            self._note.end()
        job.raise_if_canceled()
        result = self._spool.buffer(sum(memoryview(piece).nbytes for piece in pieces))
        try:
            for piece in pieces:
                result.write(memoryview(piece).cast("B"))
        except BaseException:
            result.drop()
            raise
        return result

    async def _in_thread(self, function: Callable[..., Any], *arguments: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _progress(self, job: Job, phase: str, done: int, total: int, message: str) -> None:
        if job.final or job.canceled.is_set():
            return
        now = time.monotonic()
        if phase != job.phase or message:  # of a phase, or of the next file in it
            job.phase_started, job.phase_began_at = now, done
        since = done - job.phase_began_at
        remaining_s = (
            (now - job.phase_started) / since * (total - done) if since and total else None
        )
        seconds_left = None if remaining_s is None else round(remaining_s, 1)
        self._emit(
            job,
            Event(0, phase, done=done, total=total, seconds_left=seconds_left, message=message),
        )

    def _emit_positions(self) -> None:
        for position, job in enumerate(self._queue, start=1):
            self._emit(job, Event(0, "queued", position=position))

    def _end(self, job: Job, event: Event) -> None:
        self._emit(job, event)
        job.raster = None
        job.ended = time.monotonic()
        job.body.drop()
        if job.lease is not None:
            job.lease.cancel()
        asyncio.get_running_loop().call_later(self._timing.keep_result_s, self.forget, job)

    def _emit(self, job: Job, event: Event) -> None:
        number = job.events[-1].id + 1 if job.events else 1
        job.phase = event.phase
        job.events.append(dataclasses.replace(event, id=number))
        for follower in job.followers:
            follower.set()

    def _await_follower(self, job: Job, seconds: float) -> None:
        if job.lease is not None:
            job.lease.cancel()
        job.lease = asyncio.get_running_loop().call_later(seconds, self._cancel_unfollowed, job)

    def _cancel_unfollowed(self, job: Job) -> None:
        if not job.followers and not job.final:
            logger.info("job %s is canceled: nobody follows it any more", job.id)
            self.cancel(job)


def _task(request: Request) -> str:
    return request.task if isinstance(request, TaskRequest) else tasks.FIND_FACES


def _duration(seconds: float) -> str:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{round(seconds / length)} {unit}"
    return f"{max(1, round(seconds))} seconds"
