"""The engine's HTTP server: routes to jobs, events and results. `docs/protocol.md` describes them.

Knows the contract and the jobs; what runs them is handed in.
"""

import asyncio
import contextlib
import logging
import os
import re
import urllib.parse
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ExceptionHandler

from pixelmend import __version__, challenge
from pixelmend.errors import (
    BadRequest,
    EngineBusy,
    NotFound,
    PixelmendError,
    TooLarge,
    TooSlow,
    unexpected,
)
from pixelmend.printable import printable
from pixelmend.wire import (
    FRONT_END_HEADER,
    MODELS_HEADER,
    PROTOCOL,
    Json,
    Raster,
    decode,
    event_to_sse,
)
from pixelmend_engine.restoration import task_request
from pixelmend_engine.server.authentication import Credentials, Guard, error_response
from pixelmend_engine.server.jobs import Job, Jobs, Submitter
from pixelmend_engine.server.spool import BodyBuffer, Spool

logger = logging.getLogger(__name__)

STANDSTILL_S = 10.0  # no byte of a body for so long: its sender is gone, or means harm
LONGEST_NAME = 40  # characters of a front end's name
CHUNK = 1024 * 1024  # bytes of a result sent at once
EVENT_ID = re.compile("[0-9]{1,18}")  # what `isdigit` takes, such as ², need not be a number


@dataclass(frozen=True, kw_only=True)
class ServerParts:
    """What a server is put together from."""

    jobs: Jobs
    spool: Spool
    credentials: Credentials
    max_body_bytes: int
    admit: Callable[[Raster, Json], task_request.Request]  # reads and checks; see `admission.admit`
    describe_tasks: Callable[[Path], list[Json]]  # with the weights of a models folder
    models_dir: Path  # where a request names none
    stop: Callable[[], None]


class Server:
    """The routes, and what they answer."""

    def __init__(self, parts: ServerParts) -> None:
        self._parts = parts

    @property
    def routes(self) -> list[Route]:
        """Every address the engine answers."""
        return [
            _route("GET", challenge.PATH, self.challenge),
            _route("GET", "/v1/health", self.health),
            _route("GET", "/v1/tasks", self.tasks),
            _route("GET", "/v1/jobs", self.list_jobs),
            _route("POST", "/v1/jobs", self.submit),
            _route("GET", "/v1/jobs/{id}", self.job),
            _route("DELETE", "/v1/jobs/{id}", self.cancel),
            _route("GET", "/v1/jobs/{id}/events", self.events),
            _route("GET", "/v1/jobs/{id}/result", self.result),
            _route("POST", "/v1/shutdown", self.shutdown),
        ]

    def app(self) -> Starlette:
        """Builds the application, guarded."""
        handlers: dict[Any, ExceptionHandler] = {
            PixelmendError: _answer_error,
            HTTPException: _answer_unknown_route,
            Exception: _answer_unexpected,
        }
        guard = Middleware(
            Guard,
            credentials=self._parts.credentials,
            max_body_bytes=self._parts.max_body_bytes,
            admitted=self._parts.jobs.touch,
            token_of_job=self._parts.jobs.token_of,
        )
        return Starlette(
            routes=self.routes,
            middleware=[guard],
            exception_handlers=handlers,
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        running = asyncio.create_task(self._parts.jobs.run())
        running.add_done_callback(self._stop_after)
        try:
            yield
        finally:
            running.cancel()

    def _stop_after(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled() and (error := running.exception()) is not None:
            # An engine whose queue stands still must not look as if it worked.
            logger.error("the queue ended for a reason nobody expected", exc_info=error)
            self._parts.stop()

    async def challenge(self, request: Request) -> Response:
        """Shows that the engine is the one which wrote the state file, to whoever asks."""
        nonce = request.query_params.get("nonce", "")
        if not challenge.NONCE.fullmatch(nonce):
            raise BadRequest("The challenge has no nonce", hint="See docs/protocol.md")
        return JSONResponse(self._parts.credentials.answer(nonce, self._parts.jobs.tokens))

    async def health(self, _: Request) -> Response:
        """Says that the engine is there, and which one."""
        return JSONResponse(
            {
                "protocol": PROTOCOL,
                "version": __version__,
                "pid": os.getpid(),
                "proof": self._parts.credentials.secrets.proof,
                "busy": self._parts.jobs.busy,
            }
        )

    async def tasks(self, request: Request) -> Response:
        """Describes the tasks, their models and options."""
        return JSONResponse({"tasks": self._parts.describe_tasks(self._models_dir(request))})

    async def list_jobs(self, _: Request) -> Response:
        """Lists the jobs that are known."""
        return JSONResponse({"jobs": self._parts.jobs.list()})

    async def submit(self, request: Request) -> Response:
        """Takes a picture and its options into the queue."""
        submitter = Submitter(
            token=request.headers["authorization"].removeprefix("Bearer "),
            models_dir=self._models_dir(request),
            front_end=printable(request.headers.get(FRONT_END_HEADER, ""))[:LONGEST_NAME],
        )
        with self._parts.jobs.transferring():
            buffer = self._parts.spool.buffer(int(request.headers.get("content-length", 0)))
            try:
                await _receive(request, buffer)
                raster, parameters = decode(buffer.view())
                admitted = self._parts.admit(raster, parameters)
                job = self._parts.jobs.submit(buffer, raster, admitted, submitter)
            except BaseException:
                buffer.drop()
                raise
        return JSONResponse(_describe(job), status_code=202)

    async def job(self, request: Request) -> Response:
        """Says how far a job is."""
        return JSONResponse(_describe(self._job(request)))

    async def cancel(self, request: Request) -> Response:
        """Cancels a job, or forgets one that has ended."""
        self._parts.jobs.cancel(self._job(request))
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """Streams a job's events until its end; the stream is the job's lease."""
        job = self._job(request)
        after = request.headers.get("last-event-id", "0")
        if not EVENT_ID.fullmatch(after):
            raise BadRequest("Last-Event-ID is no number", hint="Send the id of the last event")
        return StreamingResponse(
            self._stream(job, int(after)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def result(self, request: Request) -> Response:
        """Sends the restored picture, once; then the job is forgotten."""
        job = self._job(request)
        if job.result is None:
            raise NotFound(f"The job {job.id} has no result: it is {job.phase}", hint="Wait for it")
        view = job.result.view()

        async def chunks() -> AsyncGenerator[memoryview]:
            with self._parts.jobs.transferring():
                for start in range(0, len(view), CHUNK):
                    yield view[start : start + CHUNK]
            # A fetch that broke off may be tried again.
            if not await request.is_disconnected():
                self._parts.jobs.forget(job)

        return StreamingResponse(
            chunks(),
            media_type="application/octet-stream",
            headers={"Content-Length": str(len(view))},
        )

    async def shutdown(self, request: Request) -> Response:
        """Ends the engine, as SIGTERM does, once this is answered; while it works, only if told."""
        work = self._parts.jobs.work()
        if work is not None and request.query_params.get("jobs") != "cancel":
            raise EngineBusy(
                work, hint="Wait until it is done, or end it with `pixelmend engine stop`"
            )
        return JSONResponse({}, status_code=202, background=BackgroundTask(self._stop))

    def _models_dir(self, request: Request) -> Path:
        # The front end's; one of release 0.1 names none, and means the folder of the state file.
        models_header = request.headers.get(MODELS_HEADER)
        if models_header is None:
            return self._parts.models_dir
        path = Path(os.fsdecode(urllib.parse.unquote_to_bytes(models_header)))
        if not path.is_absolute() or "\0" in str(path):
            raise BadRequest("The models folder is no absolute path", hint="See docs/protocol.md")
        return path

    async def _stop(self) -> None:
        self._parts.stop()

    def _job(self, request: Request) -> Job:
        return self._parts.jobs.get(request.path_params["id"])

    async def _stream(self, job: Job, after: int) -> AsyncGenerator[bytes]:
        async with contextlib.aclosing(self._parts.jobs.follow(job, after)) as events:
            async for event in events:
                yield b":\n\n" if event is None else event_to_sse(event)


def _route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    route = Route(path, endpoint, methods=[method])
    assert route.methods is not None
    route.methods.discard("HEAD")  # which would be answered as GET, and fetch for nobody
    return route


async def _receive(request: Request, buffer: BodyBuffer) -> None:
    chunks = request.stream()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks), STANDSTILL_S)
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise TooSlow("The picture stopped coming", hint="Send it again") from error
        except ClientDisconnect as error:
            raise BadRequest("The picture was cut off", hint="Send it again") from error
        if chunk:
            buffer.write(chunk)
    if not buffer.complete:
        raise TooLarge("The body is shorter than it said", hint="Send it again")


def _describe(job: Job) -> Json:
    last = job.events[-1]
    return {"id": job.id, "phase": last.phase, "position": last.position, "error": last.error}


async def _answer_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PixelmendError)
    return error_response(error, close=isinstance(error, TooSlow | TooLarge))


async def _answer_unknown_route(request: Request, _: Exception) -> Response:
    return error_response(
        NotFound(
            f"The engine has no address {request.method} {request.url.path}",
            hint="Front end and engine may differ in version: install both again",
        )
    )


async def _answer_unexpected(_: Request, error: Exception) -> Response:
    # A door: what nobody expected is logged whole and told in general.
    logger.error("a request failed for a reason nobody expected", exc_info=error)
    return error_response(unexpected())
