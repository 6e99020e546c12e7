"""Talking to a running engine: pictures there and back, events in between, nothing lost.

Runs on Python 3.9, standard library only: hosts load it. `http.client` knows nothing of proxies,
which would otherwise be asked for 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import time
import urllib.parse
from pathlib import Path
from typing import Any, Callable, Generator, Iterator, cast

from .. import challenge
from ..errors import Canceled, EngineUnavailable, PixelmendError, from_json
from ..printable import printable_json
from ..wire import (
    FRONT_END_HEADER,
    MODELS_HEADER,
    Event,
    Json,
    Raster,
    decode,
    encode,
    event_from_sse,
)

HOST = "127.0.0.1"
REQUEST_TIMEOUT_S = 10.0  # for short requests
STREAM_TIMEOUT_S = 10.0  # an event stream says something every 0.25 s, if only that it is there
REOPEN_WITHIN_S = 1.8  # the engine waits 2 s before it gives a job up
CHUNK_BYTES = 1024 * 1024  # read at once
MAX_ANSWER = 4096  # bytes of an answer to a challenge


class Client:
    """One engine, as its state file described it.

    On each connection the engine shows who it is before it is sent the token, and whatever follows:
    another program may have got its port a moment ago. Engines of release 0.1 can't: `challenges`
    says whether this one does.
    """

    def __init__(
        self,
        port: int,
        token: str,
        *,
        challenges: bool = True,
        models: Path | None = None,
        front_end: str = "",
    ) -> None:
        """Remembers how it is reached, which models folder jobs take, and who asks.

        `models`: None takes the engine's own.
        """
        self.port = port
        self._token = token
        self._challenges = challenges
        self._headers = {"Authorization": f"Bearer {token}"}
        if models is not None:
            self._headers[MODELS_HEADER] = urllib.parse.quote(os.fsencode(models))
        if front_end:
            self._headers[FRONT_END_HEADER] = front_end

    def health(self, within_s: float = REQUEST_TIMEOUT_S) -> Json:
        """Asks the engine who it is.

        Raises:
            PixelmendError: It does not answer, or does not know us. The cause is a
                `socket.timeout` where something is there and says nothing.
        """
        return self._json("GET", "/v1/health", within_s)

    def tasks(self) -> list[Json]:
        """Asks what can be done, by which models, with which options."""
        return cast("list[Json]", self._json("GET", "/v1/tasks")["tasks"])

    def jobs(self) -> list[Json]:
        """Asks for the jobs that the engine knows."""
        return cast("list[Json]", self._json("GET", "/v1/jobs")["jobs"])

    def shut_down(self, *, cancel_jobs: bool = False) -> None:
        """Asks the engine to end.

        Raises:
            EngineBusy: It works for somebody, and `cancel_jobs` does not say that this may be lost.
        """
        self._json("POST", "/v1/shutdown?jobs=cancel" if cancel_jobs else "/v1/shutdown")

    def submit(self, raster: Raster, task: str, options: Json) -> str:
        """Hands a picture over; returns the id of its job.

        Follow the job within 10 s, or the engine takes it that nobody wants it.
        """
        pieces = encode(raster, {**options, "task": task})
        length = sum(memoryview(piece).nbytes for piece in pieces)
        headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
        with self._request("POST", "/v1/jobs", iter(pieces), headers) as response:
            return str(_json_of(response)["id"])

    def follow(
        self, job_id: str, check_canceled: Callable[[], None] | None = None
    ) -> Generator[Event, None, None]:
        """Yields a job's events until its end. A stream that breaks is opened again at once.

        `check_canceled` is called several times a second, also while nothing happens; it may raise
        to stop. Leaving the loop early gives the job up: the engine cancels it.

        Raises:
            EngineUnavailable: The engine is gone.
        """
        last = 0
        broken_at: float | None = None
        while True:
            try:
                for event in self._stream(job_id, last):
                    broken_at = None
                    if check_canceled is not None:
                        check_canceled()
                    if event is None:
                        continue
                    last = event.id
                    yield event
                    if event.final:
                        return
                error: Exception | None = None
            except (OSError, http.client.HTTPException, EngineUnavailable) as caught:
                error = caught
            now = time.monotonic()
            broken_at = now if broken_at is None else broken_at
            if now - broken_at > REOPEN_WITHIN_S:
                raise _unavailable() from error
            time.sleep(0.1)

    def fetch(self, job_id: str) -> tuple[Raster, Json]:
        """Takes a job's result: the picture, and what there is to say about it."""
        with self._request("GET", f"/v1/jobs/{job_id}/result") as response:
            try:
                body = bytearray(int(response.headers["Content-Length"]))
                view, start = memoryview(body), 0
                while start < len(body):
                    count = response.readinto(view[start : start + CHUNK_BYTES])
                    if not count:
                        raise _unavailable()
                    start += count
            except (OSError, http.client.HTTPException) as error:
                raise _unavailable() from error
        raster, facts = decode(body)
        self.cancel(job_id)  # the engine may not have noticed that all of it arrived
        return raster, printable_json(facts)

    def cancel(self, job_id: str) -> None:
        """Gives a job up, or its result; harmless when that is done already."""
        with contextlib.suppress(PixelmendError), self._request("DELETE", f"/v1/jobs/{job_id}"):
            pass

    def restore(
        self,
        raster: Raster,
        task: str,
        options: Json,
        on_event: Callable[[Event], None] | None = None,
        check_canceled: Callable[[], None] | None = None,
    ) -> tuple[Raster, Json]:
        """Restores a picture and waits for it; `on_event` gets every event, and may raise to stop.

        So may `check_canceled`, which is called several times a second.

        Raises:
            PixelmendError: What the engine says went wrong.
            Canceled: Somebody canceled the job.
            EngineUnavailable: The engine is gone.
        """
        job_id = self.submit(raster, task, options)
        try:
            for event in self.follow(job_id, check_canceled):
                if on_event is not None:
                    on_event(event)
                _raise_if_failed(event)
            return self.fetch(job_id)
        except BaseException:
            self.cancel(job_id)
            raise

    def _stream(self, job_id: str, after: int) -> Generator[Event | None, None, None]:
        # None: a sign of life.
        headers = {"Last-Event-ID": str(after)}
        path = f"/v1/jobs/{job_id}/events"
        with self._request("GET", path, headers=headers, timeout_s=STREAM_TIMEOUT_S) as response:
            lines: list[str] = []
            while line := response.readline():
                text = line.decode("utf-8").rstrip("\n")
                if text:
                    lines.append(text)
                    continue
                event = event_from_sse(lines)
                lines = []
                yield event

    def _json(self, method: str, path: str, within_s: float = REQUEST_TIMEOUT_S) -> Json:
        with self._request(method, path, timeout_s=within_s) as response:
            return _json_of(response)

    @contextlib.contextmanager
    def _request(
        self,
        method: str,
        path: str,
        body: Iterator[Any] | None = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Generator[http.client.HTTPResponse, None, None]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout_s)
        try:
            try:
                connection.connect()
                connection.auto_open = 0  # who closes is not asked again unproved
                _disable_nagle(connection)
                if self._challenges:
                    self._challenge(connection)
                with contextlib.suppress(ConnectionError):
                    # An engine that refuses a picture answers before it has read all of it.
                    connection.request(
                        method, path, body=body, headers={**self._headers, **(headers or {})}
                    )
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise _unavailable() from error
            if response.status >= 400:
                raise _error_of(response)
            yield response
        finally:
            connection.close()

    def _challenge(self, connection: http.client.HTTPConnection) -> None:
        asked = challenge.new_nonce()
        connection.request("GET", f"{challenge.PATH}?nonce={asked}")
        response = connection.getresponse()
        body = response.read(MAX_ANSWER)
        if not response.isclosed():
            raise _stranger(self.port)  # it has more to say than an engine
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _stranger(self.port) from error
        if not challenge.proves(answer, self._token, f"{HOST}:{self.port}", asked):
            raise _stranger(self.port)


def _stranger(port: int) -> EngineUnavailable:
    return EngineUnavailable(
        f"What answers at {HOST}:{port} can't show that it is the engine; it was sent nothing",
        hint="Try again: the engine is looked for anew, and started where there is none",
    )


def _raise_if_failed(event: Event) -> None:
    if event.phase == "failed":
        raise from_json(event.error or {})
    if event.phase == "canceled":
        raise Canceled(event.message or "The job was canceled", hint="Start it again")


def _disable_nagle(connection: http.client.HTTPConnection) -> None:
    # Small requests must not wait for more to send.
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _json_of(response: http.client.HTTPResponse) -> Json:
    try:
        value = printable_json(json.loads(response.read()))
    except (ValueError, RecursionError, OSError, http.client.HTTPException) as error:
        raise _unavailable() from error
    if not isinstance(value, dict):
        raise _unavailable()
    return cast("Json", value)


def _error_of(response: http.client.HTTPResponse) -> PixelmendError:
    error = _json_of(response).get("error")
    return from_json(cast("Json", error) if isinstance(error, dict) else {})


def _unavailable() -> EngineUnavailable:
    return EngineUnavailable(
        "The engine ended, or does not answer",
        hint="Try again: it starts anew, and takes a picture that was too large in parts. "
        "`pixelmend engine logs` shows what happened",
    )
