"""The engine as a process: one for each user, found by its state file, gone when idle."""

import asyncio
import contextlib
import json
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
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pixelmend import __version__, data_folder
from pixelmend.atomic import atomic_write_text
from pixelmend.errors import EngineUnavailable
from pixelmend.paths import Paths
from pixelmend.wire import MAX_HEADER, MAX_PROFILE, PROTOCOL
from pixelmend_engine.catalog import tasks
from pixelmend_engine.images import limits
from pixelmend_engine.inference import memory
from pixelmend_engine.server import admission, routes
from pixelmend_engine.server.authentication import Credentials
from pixelmend_engine.server.jobs import JobRunner, Jobs, Timing
from pixelmend_engine.server.spool import Spool
from pixelmend_engine.weights import store

logger = logging.getLogger(__name__)

HEADERS_WITHIN_S = 10.0  # a connection that asks for nothing is closed
MAX_HEADERS = 64 * 1024  # bytes of one request
MAX_CONNECTIONS = 512  # at once
WATCH_EVERY_S = 0.5
GRACE_S = 3  # for open streams to tell that the engine ends
MAX_BODY = limits.MAX_PIXELS * 4 * 4 + MAX_PROFILE + MAX_HEADER  # bytes: RGBA in float32
BODY_SHARE = 0.5  # of the memory that is granted; a larger picture could not be worked on
SPOOL_SHARE = 0.1  # of it, for pictures that wait


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """How long the engine stays ready."""

    release_after_s: float  # without a job, the models leave the memory
    exit_after_s: float  # without a job, the process ends


class HeaderTimeoutProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but a request's headers have to come within a time."""

    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts waiting."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Refuses headers without end, which would fill memory before the token is asked for."""
        super().data_received(data)
        if self._deadline is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADERS:
                self._give_up()

    def on_message_begin(self) -> None:
        """Starts waiting anew, on a connection that asks again."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Stops waiting."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop_waiting()
        self._header_bytes = 0
        self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Service(uvicorn.Server):
    """A running engine: the server, its state file, and the reasons to end."""

    def __init__(
        self, paths: Paths, runner: JobRunner, models_dir: Path, lifetime: Lifetime
    ) -> None:
        self._paths = paths
        self._models_dir = models_dir
        self._lifetime = lifetime
        total_bytes = memory.granted().total_bytes
        self._spool = Spool(paths.spool, int(total_bytes * SPOOL_SHARE))
        timing = Timing(release_after_s=lifetime.release_after_s)
        self._jobs = Jobs(runner, self._spool, timing)
        self._socket = _listen()
        self._credentials = Credentials(self._socket.getsockname()[1])
        parts = routes.ServerParts(
            jobs=self._jobs,
            spool=self._spool,
            credentials=self._credentials,
            max_body_bytes=min(MAX_BODY, int(total_bytes * BODY_SHARE)),
            admit=admission.admit,
            describe_tasks=lambda: tasks.describe(store.states(models_dir)),
            stop=self.stop,
        )
        super().__init__(
            uvicorn.Config(
                routes.Server(parts).app(),
                http=HeaderTimeoutProtocol,
                ws="none",
                lifespan="on",
                limit_concurrency=MAX_CONNECTIONS,
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
            self._write_state()
        logger.info("serving on port %d, version %s", self._socket.getsockname()[1], __version__)
        watching = asyncio.create_task(self._watch())
        try:
            await self.serve(sockets=[self._socket])
        finally:
            watching.cancel()
            self._spool.clear()
            with contextlib.suppress(OSError):
                self._paths.state.unlink()
            logger.info("ended")

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
            if self.should_exit or self._state_is_ours():
                continue
            # Missing, changed, or readable by others, who may know the token now.
            self._credentials.renew()
            try:
                self._write_state()
                logger.warning("the state file was not as it was left: made a new token")
            except OSError as error:
                logger.warning("the state file can't be written: %s", error.strerror)

    def _state(self) -> str:
        return json.dumps(
            {
                "protocol": PROTOCOL,
                "version": __version__,
                "port": self._socket.getsockname()[1],
                "token": self._credentials.token,
                "proof": self._credentials.server_proof,
                "pid": os.getpid(),
                "models": str(self._models_dir),
            }
        )

    def _write_state(self) -> None:
        data_folder.make(self._paths)
        atomic_write_text(self._paths.state, self._state(), mode=0o600)

    def _state_is_ours(self) -> bool:
        try:
            private = os.name == "nt" or self._paths.state.stat().st_mode & 0o077 == 0
            return private and self._paths.state.read_bytes() == self._state().encode()
        except OSError:
            return False


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
            lock.acquire(blocking=False)
            only = True
        except filelock.Timeout:  # an OSError, too
            only = False
    if not only:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
