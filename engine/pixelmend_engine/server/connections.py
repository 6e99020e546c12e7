"""Connections before anybody has said who they are: few, short, and in nobody's way."""

import asyncio
import contextlib
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN_S = 10.0  # a connection that asks for nothing is closed
MAX_HEADERS = 64 * 1024  # bytes of one request
MAX_WAITING = 64  # connections whose headers have not come; each more ends the oldest of them
MAX_CONNECTIONS = 512  # at once
ACCEPTED_AT_ONCE = 16  # connections, before the event loop looks at what they ask
PENDING = 128  # connections that the system holds until they are accepted
DESCRIPTORS = 4096  # files and connections that are asked for; macOS grants 256 unasked
OTHER_DESCRIPTORS = 96  # that are not connections: weights, bodies on disk, libraries, the log


class HeaderTimeoutProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but a request's headers have to come within a time.

    Anybody on this computer can open connections and say nothing; of those the oldest goes.
    """

    _deadline: asyncio.TimerHandle | None = None
    _since: float = 0.0  # when it began to wait
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts waiting."""
        super().connection_made(transport)
        self._wait()
        waiting = [
            connection
            for connection in self.connections
            if isinstance(connection, HeaderTimeoutProtocol) and connection._deadline is not None
        ]
        if len(waiting) > MAX_WAITING:
            min(waiting, key=_waiting_since)._give_up()

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
        self._since = self.loop.time()
        self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.close()


def _waiting_since(connection: HeaderTimeoutProtocol) -> float:
    return connection._since  # pyright: ignore[reportPrivateUsage] - of this file


def raise_descriptor_limit() -> int:
    """Asks for as many open files as the engine may need; returns how many connections that leaves.

    What a shell or a desktop grants may be 256; the system grants more to who asks.
    """
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Where the hard limit is none at all, the kernel may still refuse large numbers.
        best = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < best:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            return min(MAX_CONNECTIONS, max(ACCEPTED_AT_ONCE, soft - OTHER_DESCRIPTORS))
    return MAX_CONNECTIONS


def listen_again(listening: socket.socket) -> None:
    """Lets the system hold more connections than are accepted at once, which asyncio has equal."""
    listening.listen(PENDING)
