"""The engine as a process: one for each user, found by its state file, gone when idle."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import uvicorn

from pixelmend import __version__, data_folder
from pixelmend.errors import EngineUnavailable
from pixelmend.paths import Paths
from pixelmend.wire import MAX_HEADER, MAX_PROFILE, PROTOCOL
from pixelmend_engine.catalog import tasks
from pixelmend_engine.images import limits
from pixelmend_engine.inference import memory
from pixelmend_engine.server import admission, connections, routes
from pixelmend_engine.server.authentication import Credentials
from pixelmend_engine.server.jobs import JobRunner, Jobs, Timing
from pixelmend_engine.server.spool import Spool
from pixelmend_engine.server.state_file import StateFile
from pixelmend_engine.server.unfinished import UnfinishedNote
from pixelmend_engine.weights import store

logger = logging.getLogger(__name__)

WATCH_EVERY_S = 0.5
LOCK_WITHIN_S = 0.3  # a front end that looks whether somebody has it holds it for a moment
GRACE_S = 3  # for open streams to tell that the engine ends
MAX_BODY = limits.MAX_PIXELS * 4 * 4 + MAX_PROFILE + MAX_HEADER  # bytes: RGBA in float32
BODY_SHARE = 0.5  # of the memory that is granted; a larger picture could not be worked on
SPOOL_SHARE = 0.1  # of it, for pictures that wait


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """How long the engine stays ready."""

    release_after_s: float  # without a job, the models leave the memory
    exit_after_s: float  # without a job, the process ends


class Service(uvicorn.Server):
    """A running engine: the server, its state file, and the reasons to end."""

    def __init__(
        self, paths: Paths, runner: JobRunner, models_dir: Path, lifetime: Lifetime
    ) -> None:
        self._paths = paths
        self._lifetime = lifetime
        total_bytes = memory.granted().total_bytes
        self._spool = Spool(paths.spool, int(total_bytes * SPOOL_SHARE))
        self._note = UnfinishedNote(paths)
        timing = Timing(release_after_s=lifetime.release_after_s)
        self._jobs = Jobs(runner, self._spool, timing, self._note)
        self._socket = _listen()
        self._port: int = self._socket.getsockname()[1]
        self._credentials = Credentials(self._port)
        self._state = StateFile(
            paths,
            self._credentials,
            {
                "protocol": PROTOCOL,
                "version": __version__,
                "port": self._port,
                "challenge": True,
                "pid": os.getpid(),
                "models": str(models_dir),
            },
        )
        parts = routes.ServerParts(
            jobs=self._jobs,
            spool=self._spool,
            credentials=self._credentials,
            max_body_bytes=min(MAX_BODY, int(total_bytes * BODY_SHARE)),
            admit=admission.admit,
            describe_tasks=lambda folder: tasks.describe(store.states(folder)),
            models_dir=models_dir,
            stop=self.stop,
        )
        super().__init__(
            uvicorn.Config(
                routes.Server(parts).app(),
                http=connections.HeaderTimeoutProtocol,
                ws="none",
                lifespan="on",
                limit_concurrency=connections.raise_descriptor_limit(),
                backlog=connections.ACCEPTED_AT_ONCE,
                access_log=False,
                log_config=None,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def live(self) -> None:
        """Serves until there is a reason to end: a signal, a request, or nothing to do."""
        with data_folder.as_unavailable(self._paths):
            self._spool.clear()
            self._state.write()
        logger.info("serving on port %d, version %s", self._port, __version__)
        watching = asyncio.create_task(self._watch())
        try:
            await self.serve(sockets=[self._socket])
        finally:
            watching.cancel()
            self._spool.clear()
            self._note.end()  # whatever ran is told as canceled
            self._state.remove()
            logger.info("ended")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        await super().startup(sockets)
        connections.listen_again(self._socket)

    def stop(self) -> None:
        """Reports what runs and waits as canceled, and ends."""
        self._jobs.close()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 - as uvicorn calls it
        """Ends in good order on SIGINT and SIGTERM."""
        logger.info("asked to end by %s", signal.Signals(sig).name)
        # In the loop, because a signal may come while the jobs are being changed.
        asyncio.get_running_loop().call_soon_threadsafe(self.stop)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            data_folder.bound(self._paths.start_log)
            idle_s = self._jobs.idle_s()
            if idle_s > self._lifetime.exit_after_s:
                logger.info("nothing to do for %.0f s", idle_s)
                self.stop()
            if self.should_exit:
                continue
            if not self._state.taken_over():
                self._state.watch()
            elif self._jobs.work() is None:
                logger.warning("another engine has this folder now")
                self.stop()


def _listen() -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", 0))
    except OSError as error:
        raise EngineUnavailable(
            f"The engine can't listen at 127.0.0.1 ({error.strerror or error})",
            hint="Give this computer's loopback that address, as with `ip address add 127.0.0.1/8 "
            "dev lo`, or restore with --in-process",
        ) from error


@contextlib.contextmanager
def alone(paths: Paths) -> Generator[bool]:
    """Holds the lock that only one engine of a user can hold; yields whether it is ours."""
    lock = filelock.FileLock(paths.lock, mode=0o600)
    with data_folder.as_unavailable(paths):
        data_folder.make(paths)
        try:
            lock.acquire(timeout=LOCK_WITHIN_S)
            only = True
            paths.state.unlink(missing_ok=True)  # of an engine that was killed
        except filelock.Timeout:  # an OSError, too
            only = False
    if not only:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
