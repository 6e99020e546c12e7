"""One engine, several front ends: none ends what another waits for, and a hung engine is named."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from conftest import CommandRunner
from fakes import ignore, untold
from protocol.conftest import Running, Start, picture, wait_until

from pixelmend import __version__
from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import BadRequest, Canceled, EngineBusy, EngineUnavailable
from pixelmend.paths import Paths
from pixelmend_cli.engines import Listener, RemoteEngine

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")

LONG = {"steps": 60, "step_seconds": 0.05}


@pytest.fixture
def how(tmp_path: Path) -> Launch:
    return Launch(sys.executable, tmp_path / "models", exit_after_s=60)


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[None]:
    """Ends an engine that a test started in the usual home."""
    yield
    launch.stop(Paths(tmp_path / "home"))


@contextlib.contextmanager
def working(engine: Running, **options: object) -> Generator[None]:
    """Has an engine at work for GIMP, whose picture has to come back."""
    gimp = Client(engine.client.port, engine.token, front_end="GIMP")
    with ThreadPoolExecutor() as pool:
        job = pool.submit(gimp.restore, picture(), "deblur", {"seed": 4, **options})
        engine.wait_for(["run"])
        yield
        assert job.result(timeout=60)[1]["seed"] == 4


def test_a_front_end_with_another_models_folder_shares_a_busy_engine(
    start: Start, how: Launch
) -> None:
    engine = start(named=1, **LONG)
    others = dataclasses.replace(how, models=how.models / "wörter\udcff")
    with working(engine):
        client = launch.find_or_start(engine.paths, others)
        assert client.health()["pid"] == engine.process.pid
        _, facts = client.restore(picture(), "deblur", {})
        assert bytes.fromhex(facts["models"]) == os.fsencode(others.models)
    _, facts = engine.client.restore(picture(), "deblur", {})
    own = bytes.fromhex(facts["models"])  # who names none means the engine's own
    assert own == os.fsencode(engine.paths.models)


def test_the_weights_that_are_told_are_those_of_the_front_ends_folder(
    start: Start, how: Launch
) -> None:
    engine = start()
    weights = how.models / "hi-diff-gopro" / "net_g.pth"
    weights.parent.mkdir(parents=True)
    weights.touch()

    def told(client: Client) -> str:
        (deblur,) = [task for task in client.tasks() if task["id"] == "deblur"]
        return {model["id"]: model["weights"] for model in deblur["models"]}["hi-diff-gopro"]

    assert told(launch.find_or_start(engine.paths, how)) == "installed"
    assert told(engine.client) == "missing"


@pytest.mark.parametrize("named", ["models", "", "%00", "/models%00"])
def test_a_models_folder_that_is_no_path_is_refused(named: str, start: Start) -> None:
    engine = start()
    with engine.ask("GET", "/v1/tasks", {"Pixelmend-Models": named}) as response:
        assert (response.status, json.loads(response.read())["error"]["code"]) == (
            BadRequest.status,
            "bad-request",
        )


@pytest.mark.usefixtures("ended")
def test_another_version_waits_and_says_for_whom(start: Start, how: Launch) -> None:
    engine = start(version="0.0.1", **LONG)
    told: list[str] = []
    with ThreadPoolExecutor() as pool:
        with working(engine):
            found = pool.submit(launch.find_or_start, engine.paths, how, tell=told.append)
            wait_until(lambda: told)
        new = found.result(timeout=60)
    assert new.health()["version"] == __version__
    assert told[0].startswith("The engine is at work for GIMP (deblur, about")
    assert told[0].endswith("left); waiting until it is done")
    assert engine.process.wait(timeout=10) == 0


def test_who_waits_for_another_version_may_stop_waiting(start: Start, how: Launch) -> None:
    engine = start(version="0.0.1", **LONG)

    def stop(seconds: float) -> None:
        raise Canceled("enough", hint="")

    with working(engine), pytest.raises(Canceled):
        launch.find_or_start(engine.paths, how, stop)
    assert engine.process.poll() is None


def test_a_result_that_is_about_to_be_fetched_is_waited_for(start: Start) -> None:
    engine = start()
    job_id = engine.client.submit(picture(), "deblur", {})
    assert list(engine.client.follow(job_id))[-1].phase == "done"
    with pytest.raises(EngineBusy, match="on its way"):
        engine.client.shut_down()
    engine.client.fetch(job_id)
    engine.client.shut_down()
    assert engine.process.wait(timeout=10) == 0


def test_a_busy_engine_ends_for_who_says_that_jobs_may_be_lost(start: Start) -> None:
    engine = start(**LONG)
    with ThreadPoolExecutor() as pool:
        job = pool.submit(engine.client.restore, picture(), "deblur", {})
        engine.wait_for(["run"])
        with pytest.raises(EngineBusy, match="at work"):
            engine.client.shut_down()
        assert launch.stop(engine.paths)
        with pytest.raises(Canceled, match="The engine was stopped"):
            job.result(timeout=10)


@posix
def test_a_command_finds_the_engine_anew_for_each_picture(start: Start, how: Launch) -> None:
    engine = start()
    listener = Listener(note=lambda words: None, download=untold)
    remote = RemoteEngine(engine.paths, how, "deblur", {"seed": 3}, listener)
    remote.restore(picture(), ignore)
    before = engine.token
    engine.paths.state.chmod(0o644)
    wait_until(lambda: (launch.read_state(engine.paths) or {}).get("token") not in (before, None))
    assert remote.restore(picture(), ignore)[1] == {"seed": 3}


@posix
def test_a_hung_engine_is_named_by_all_who_look_for_it(
    start: Start, how: Launch, pixelmend: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start()
    monkeypatch.setattr(launch, "ANSWERS_WITHIN_S", 1.0)
    monkeypatch.setenv("PIXELMEND_HOME", str(engine.paths.home))
    told = f"The engine (process {engine.process.pid}) is running, and does not answer"
    engine.process.send_signal(signal.SIGSTOP)
    with pytest.raises(EngineUnavailable) as raised:
        launch.find_or_start(engine.paths, how)
    assert raised.value.message == told
    assert "pixelmend engine stop --force" in raised.value.hint
    for command in (("engine", "status"), ("engine", "stop"), ("serve",)):
        answer = pixelmend(*command)
        assert (answer.code, answer.stdout) == (8, "")
        assert answer.stderr.splitlines()[0] == told
    status = json.loads(pixelmend("engine", "status", "--json").stdout)
    assert (status["engine"], status["error"]["message"]) == (None, told)
    assert pixelmend("engine", "stop", "--force").stdout == "The engine was stopped\n"
    assert not psutil.pid_exists(engine.process.pid)
    assert pixelmend("engine", "status").stdout == "No engine is running\n"


@posix
def test_an_engine_whose_state_file_is_lost_is_not_said_to_be_none(
    start: Start, pixelmend: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start()
    monkeypatch.setenv("PIXELMEND_HOME", str(engine.paths.home))
    engine.paths.state.unlink()
    assert f"process {engine.process.pid}" in pixelmend("engine", "status").stdout
    engine.process.send_signal(signal.SIGSTOP)
    engine.paths.state.unlink()
    answer = pixelmend("engine", "status")
    assert answer.code == 8
    assert "does not say where it can be reached" in answer.stderr


@pytest.mark.usefixtures("ended")
def test_a_silent_program_on_the_port_of_an_ended_engine_is_no_engine(
    start: Start, how: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ANSWERS_WITHIN_S", 1.0)
    engine = start()
    state = engine.paths.state.read_text(encoding="utf-8")
    engine.process.kill()
    engine.process.wait()
    with socket.create_server(("127.0.0.1", 0)) as other:  # whose connections nobody accepts
        fields = {**json.loads(state), "port": other.getsockname()[1]}
        engine.paths.state.write_text(json.dumps(fields), encoding="utf-8")
        engine.paths.state.chmod(0o600)
        new = launch.find_or_start(engine.paths, how)
        assert new.health()["pid"] != engine.process.pid
