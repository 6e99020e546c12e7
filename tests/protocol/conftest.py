"""Real engine processes, with a fake restoration that takes as long as a test wants."""

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.paths import Paths
from pixelmend.wire import Raster

FAKE = Path(__file__).parent / "fake_engine.py"
HANG_S = 120.0  # what takes so long hangs; no test measures how fast something is


@dataclass(frozen=True)
class Running:
    """An engine's process, and a client of it."""

    process: subprocess.Popen[bytes]
    paths: Paths
    client: Client

    @property
    def token(self) -> str:
        """What requests have to name."""
        return str((launch.read_state(self.paths) or {})["token"])

    @contextlib.contextmanager
    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Generator[http.client.HTTPResponse]:
        """Sends a request by hand, with the token; a header that is None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.client.port, timeout=HANG_S)
        wanted = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        sent = {name: value for name, value in wanted.items() if value is not None}
        try:
            connection.putrequest(method, path, skip_host="Host" in wanted)
            for name, value in sent.items():
                connection.putheader(name, value)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body)
            yield connection.getresponse()
        finally:
            connection.close()

    def phases(self) -> list[str]:
        """Returns the phase of every job that it knows."""
        return [job["phase"] for job in self.client.jobs()]

    def wait_for(self, phases: list[str]) -> None:
        """Waits until its jobs are in these phases."""
        wait_until(lambda: self.phases() == phases)


def wait_until(condition: Callable[[], object], within_s: float = HANG_S) -> None:
    """Waits for something to become true; the deadline only ends a hang."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def picture(width: int = 8, height: int = 9, value: int = 7) -> Raster:
    """A picture of one color."""
    return Raster(width, height, "U8", "RGB", bytes([value]) * (width * height * 3))


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts engines; options as `fake_engine.py` has them, with underscores."""
    with contextlib.ExitStack() as stack:

        def run(home: Path = tmp_path / "home", **options: object) -> Running:
            command = [sys.executable, str(FAKE), "--home", str(home)]
            for name, value in options.items():
                command += [f"--{name.replace('_', '-')}", str(value)]
            process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
            paths = Paths(home)
            wait_until(lambda: launch.find(paths) or process.poll() is not None)
            client = launch.find(paths)
            assert client is not None
            return Running(process, paths, client)

        yield run
