"""A job that runs is not lost, whatever happens to the state file, and however many knock."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from protocol.conftest import FAKE, HANG_S, Running, Start, picture, wait_until

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.errors import EngineUnavailable, NotFound, Unauthorized
from pixelmend.paths import Paths

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no such limits and permissions")

LONG = {"steps": 60, "step_seconds": 0.05}
IDLE = 400  # connections


def token(paths: Paths) -> str | None:
    """Reads the token as any program may."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(paths.state.read_bytes())["token"]
    return None


def open_to_others(paths: Paths) -> None:
    before = token(paths)
    paths.state.chmod(0o644)
    wait_until(lambda: token(paths) not in (before, None))


def delete(paths: Paths) -> None:
    before = token(paths)
    paths.state.unlink()
    wait_until(lambda: token(paths))
    assert token(paths) == before  # nobody has read it


def take_the_folder_away(paths: Paths) -> None:
    before = token(paths)
    away = paths.home.with_name("away")
    paths.home.rename(away)
    time.sleep(1.2)
    assert not paths.home.exists()  # where a home is unmounted, nothing is put in its place
    away.rename(paths.home)
    time.sleep(0.6)
    assert token(paths) == before


def change(paths: Paths) -> None:
    before = token(paths)
    paths.state.write_bytes(b"\xff no text")
    wait_until(lambda: token(paths) not in (before, None))


@posix
@pytest.mark.parametrize("accident", [open_to_others, delete, take_the_folder_away, change])
def test_a_running_job_outlives_what_happens_to_the_state_file(
    accident: Callable[[Paths], None], start: Start
) -> None:
    engine = start(**LONG)
    with ThreadPoolExecutor() as pool:
        job = pool.submit(engine.client.restore, picture(), "deblur", {"seed": 4})
        engine.wait_for(["run"])
        accident(engine.paths)
        assert job.result(timeout=60)[1] == {"seed": 4}
    found = launch.find(engine.paths)
    assert found is not None
    assert found.health()["pid"] == engine.process.pid


@posix
def test_a_token_of_before_reaches_its_own_job_alone(start: Start) -> None:
    engine = start(**LONG)
    old = engine.client
    job_id = old.submit(picture(), "deblur", {})
    events = old.follow(job_id)
    assert next(events).phase == "queued"
    open_to_others(engine.paths)
    new = launch.find(engine.paths)
    assert new is not None
    other_id = new.submit(picture(), "deblur", {})
    with pytest.raises(NotFound):
        old.fetch(job_id)  # it is not done
    for ask in (old.health, old.jobs, old.shut_down, lambda: old.submit(picture(), "deblur", {})):
        with pytest.raises(Unauthorized):
            ask()
    with pytest.raises(Unauthorized):
        old.fetch(other_id)
    old.cancel(job_id)
    wait_until(lambda: {job["id"]: job["phase"] for job in new.jobs()}[job_id] == "canceled")


@posix
def test_a_token_counts_until_the_next_can_be_read(start: Start) -> None:
    engine = start()
    before = token(engine.paths)
    in_the_way = engine.paths.home / f".{engine.paths.state.name}.part"
    in_the_way.mkdir()  # so that no new file can be written
    engine.paths.state.chmod(0o644)
    time.sleep(1.2)
    assert token(engine.paths) == before
    engine.client.health()
    in_the_way.rmdir()
    wait_until(lambda: token(engine.paths) not in (before, None))
    with pytest.raises(EngineUnavailable, match="can't show that it is the engine"):
        engine.client.health()


@posix
def test_an_engine_whose_folder_was_made_anew_leaves_it_to_the_next(start: Start) -> None:
    first = start(**LONG)
    with ThreadPoolExecutor() as pool:
        job = pool.submit(first.client.restore, picture(), "deblur", {"seed": 4})
        first.wait_for(["run"])
        first.paths.home.rename(first.paths.home.with_name("old"))
        second = start()
        assert second.process.pid != first.process.pid
        assert job.result(timeout=60)[1] == {"seed": 4}
    assert first.process.wait(timeout=HANG_S) == 0
    assert second.client.health()["pid"] == second.process.pid
    assert token(second.paths) == second.token


@contextlib.contextmanager
def limited_engine(home: Path, soft: int, hard: str) -> Generator[Running]:
    """Starts an engine that may open so many files."""
    limits = f"ulimit -S -n {soft}" + (f" && ulimit -H -n {hard}" if hard else "")
    command = [sys.executable, str(FAKE), "--home", str(home), "--steps", "40"]
    command += ["--step-seconds", "0.05", "--log", str(home / "engine.log")]
    with subprocess.Popen(["bash", "-c", f'{limits} && exec "$@"', "-", *command]) as process:
        try:
            wait_until(lambda: launch.find(Paths(home)))
            client = launch.find(Paths(home))
            assert client is not None
            yield Running(process, Paths(home), client)
        finally:
            process.kill()


@posix
@pytest.mark.parametrize("hard", ["", "256"], ids=["the soft limit is low", "both limits are low"])
def test_idle_connections_are_in_nobodys_way(hard: str, tmp_path: Path) -> None:
    tmp_path.joinpath("home").mkdir()
    stop = threading.Event()

    def knock(port: int) -> None:
        with contextlib.ExitStack() as stack:
            while not stop.is_set():
                opened: list[socket.socket] = []
                for _ in range(IDLE):
                    with contextlib.suppress(OSError):
                        connection = socket.create_connection(("127.0.0.1", port), timeout=1)
                        opened.append(stack.enter_context(connection))
                stop.wait(1)
                for connection in opened:
                    connection.close()

    with limited_engine(tmp_path / "home", 256, hard) as engine, ThreadPoolExecutor() as pool:
        before = token(engine.paths)
        knocking = pool.submit(knock, engine.client.port)
        try:
            for seed in range(2):
                time.sleep(0.5)
                _, facts = engine.client.restore(picture(), "deblur", {"seed": seed})
                assert facts == {"seed": seed}
        finally:
            stop.set()
        knocking.result(timeout=60)
        assert token(engine.paths) == before
        assert isinstance(launch.find(engine.paths), Client)
        if sys.platform == "linux":
            limits = Path(f"/proc/{engine.process.pid}/limits").read_text()
            (files,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
            assert int(files.split()[3]) == (256 if hard else min(4096, int(files.split()[4])))
            assert len(list(Path(f"/proc/{engine.process.pid}/fd").iterdir())) < 256
        log = (tmp_path / "home" / "engine.log").read_text()
        assert len(log) < 100_000
