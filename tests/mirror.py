"""A source of weights on this computer, over TLS, that misbehaves as a test tells it to."""

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import trustme

PIECE = 16 * 1024  # bytes sent at once
STANDSTILL_S = 600.0  # longer than any test waits; the server's end cuts it short


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the source answers, and how badly."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    etag: str | None = None
    ranges: bool = True  # whether it knows of Range
    compares: bool = True  # whether it knows of If-Range
    cut_at: int | None = None  # the connection is closed at this byte of the file
    stall_at: int | None = None  # nothing comes any more from this byte on
    bytes_per_s: float | None = None
    piece: int = PIECE  # bytes sent at once
    length: int | None = None  # what it says of its length, instead of the truth
    chunked: bool = False  # says nothing of its length


@dataclass(frozen=True)
class Request:
    """A request that came."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def begins_at(self) -> int:
        """The first byte that was asked for."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


class Mirror:
    """The server. Each path has answers for one request after the other; the last one stays."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self.answers: dict[str, list[Response]] = {}
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self.port}"

    @property
    def other_url(self) -> str:
        """Its address under another host's name."""
        return f"https://127.0.0.1:{self.port}"

    def at(self, path: str, *answers: Response) -> None:
        """Says what is answered at a path."""
        self.answers[path] = list(answers)

    def next_answer(self, path: str) -> Response:
        """Returns what is answered now."""
        plan = self.answers.get(path, [Response(status=404)])
        return plan.pop(0) if len(plan) > 1 else plan[0]

    def gets(self, path: str) -> list[Request]:
        """Returns the requests for what is at a path."""
        return [
            request for request in self.requests if request.path == path and request.method == "GET"
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that leave are what is tested."""


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.request.settimeout(STANDSTILL_S)
            self.request.do_handshake()
            super().setup()

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            host = self.headers.get("Host", "").partition(":")[0]
            request = Request(self.command, host, parts.path, query, dict(self.headers))
            mirror.requests.append(request)
            response = mirror.next_answer(parts.path)
            self.close_connection = True
            start = self._start(request, response)
            if start is not None:
                self._send(response, start)

        def _start(self, request: Request, response: Response) -> int | None:
            if not response.ranges or response.status != 200 or "Range" not in request.headers:
                self._head(response, response.status, len(response.body), {})
                return 0 if response.status != 416 else None
            size, start = len(response.body), request.begins_at
            validator = request.headers.get("If-Range")
            if response.compares and validator is not None and validator != response.etag:
                self._head(response, 200, size, {})
                return 0
            if start >= size:
                self._head(response, 416, 0, {"Content-Range": f"bytes */{size}"})
                return None
            span = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
            self._head(response, 206, size - start, span)
            return start

        def _head(self, response: Response, status: int, length: int, more: dict[str, str]) -> None:
            self.send_response(status)
            if not response.chunked:
                self.send_header("Content-Length", str(response.length or length))
            if response.etag is not None:
                self.send_header("ETag", response.etag)
            for name, value in {**response.headers, **more, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, response: Response, start: int) -> None:
            if self.command == "HEAD":
                return
            end = len(response.body) if response.cut_at is None else response.cut_at
            while start < end:
                stop = min(start + response.piece, end)
                if response.stall_at is not None:
                    stop = min(stop, response.stall_at)
                self.wfile.write(response.body[start:stop])
                if stop == response.stall_at:
                    mirror.ended.wait(STANDSTILL_S)
                    return
                if response.bytes_per_s is not None:
                    time.sleep((stop - start) / response.bytes_per_s)
                start = stop

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base has it
            """Says nothing."""

    return Handler
