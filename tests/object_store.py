"""An object store over HTTP on this computer (moto's), behind a proxy that refuses and fails.

Faults are by name: what a request's path contains, and what becomes of the next requests for it.
"""

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal["403", "503", "cut", "slow"]
CUT_AT = 60  # bytes of a body
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass
class FaultProxy:
    """What stands between the client and the store."""

    url: str
    faults: dict[tuple[str, str], list[Fault]] = field(
        default_factory=dict[tuple[str, str], list[Fault]]
    )
    injected: list[tuple[str, Fault]] = field(default_factory=list[tuple[str, Fault]])

    def fail(self, method: str, name: str, *faults: Fault) -> None:
        """Says what becomes of the next requests for a name."""
        self.faults[method, name] = list(faults)

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Returns what becomes of this one."""
        for (for_method, name), faults in self.faults.items():
            if for_method == method and name in path and faults:
                fault = faults.pop(0)
                self.injected.append((path, fault))
                return fault
        return None


@contextlib.contextmanager
def running() -> Generator[FaultProxy]:
    """A store with an empty bucket `archive`."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    proxy = FaultProxy(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = _handler(proxy, port)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        _make_bucket(port, process)
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _make_bucket(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("PUT", "/archive")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("the store did not start")


def _handler(proxy: FaultProxy, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = proxy.next_fault(self.command, self.path)
            if fault in ("403", "503"):
                self.send_response(int(fault))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            connection = http.client.HTTPConnection("127.0.0.1", port)
            with contextlib.closing(connection):
                headers = dict(self.headers.items())
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if fault == "cut":
                self.wfile.write(content[:CUT_AT])
                self.close_connection = True
                return
            if fault == "slow":
                time.sleep(1.0)
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815 - as its base has it

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base has it
            """Says nothing."""

    return Handler
