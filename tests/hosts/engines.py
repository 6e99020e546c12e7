"""Engines for tests: a slow one that changes nothing, and the real one with small models."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from machine import REPOSITORY

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.paths import Paths

FAKE = REPOSITORY / "tests" / "protocol" / "fake_engine.py"
SMALL = Path(__file__).with_name("small_engine.py")
ALWAYS_S = 3600.0
TESTS = (REPOSITORY / "tests", REPOSITORY / "tests" / "hosts")


class Running:
    """A process that runs from `with` to its end."""

    process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()


class SlowEngine(Running):
    """Takes long, and changes nothing; runs from `with` to its end."""

    def __init__(self, home: Path, step_seconds: float = 0.2, steps: int = 300) -> None:
        command = [sys.executable, str(FAKE), "--home", str(home), "--steps", str(steps)]
        command += ["--step-seconds", str(step_seconds), "--named", "1"]
        command += ["--exit-after", str(ALWAYS_S)]  # the editors may be busy elsewhere for long
        self._start(home, command)

    def _start(self, home: Path, command: list[str]) -> None:
        self.paths = Paths(home)
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, TESTS))}
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environ)
        try:
            wait_until(lambda: launch.find(self.paths) is not None)
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise
        found = launch.find(self.paths)
        assert found is not None
        self.client: Client = found

    @property
    def settings(self) -> dict[str, Any]:
        """What a plug-in's settings must say for it to find this engine."""
        return {"home": str(self.paths.home), "models": str(self.paths.models)}

    def phases(self) -> list[str]:
        """Returns the phase of every job that it knows."""
        return [job["phase"] for job in self.client.jobs()]

    def wait_for(self, phases: list[str]) -> None:
        """Waits until its jobs are in these phases."""
        wait_until(lambda: self.phases() == phases)

    def forget(self) -> None:
        """Forgets the jobs that have ended."""
        for job in self.client.jobs():
            self.client.cancel(job["id"])


class SmallEngine(SlowEngine):
    """Has small models, and finds red noses; see `small_engine.py`."""

    def __init__(self, home: Path) -> None:
        self._start(home, [sys.executable, str(SMALL), "--home", str(home)])


def wait_until(condition: Callable[[], object], within_s: float = 180.0) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
