"""A stranger on the port of an engine that has ended: it gets neither token nor picture."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from protocol.conftest import Running, Start, picture, wait_until

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import EngineUnavailable

IMPOSTOR = Path(__file__).parent / "impostor.py"
WAYS = ["old token", "proof", "echo", "everything", "old release", "closes"]


@contextlib.contextmanager
def impostor(engine: Running, known: dict[str, Any], how: str, record: Path) -> Generator[None]:
    """Ends an engine without a word, and puts a stranger on its port."""
    engine.process.kill()
    engine.process.wait()
    port = str(engine.client.port)
    command = [sys.executable, str(IMPOSTOR), port, str(record), how, json.dumps(known)]
    with subprocess.Popen(command) as process:
        try:
            wait_until(record.exists)
            yield
        finally:
            process.kill()


def seen_once(engine: Running) -> dict[str, Any]:
    """Lets the state file be seen, whereupon the engine replaces it; returns what was seen."""
    seen = launch.read_state(engine.paths)
    assert seen is not None
    engine.paths.state.chmod(0o644)
    wait_until(lambda: launch.read_state(engine.paths) not in (None, seen))
    return seen


@pytest.mark.skipif(sys.platform == "win32", reason="files there have no such permissions")
@pytest.mark.parametrize("how", WAYS)
def test_it_is_sent_nothing_and_another_engine_is_started(
    how: str, start: Start, tmp_path: Path
) -> None:
    engine = start()
    known = seen_once(engine)
    token = engine.token
    record = tmp_path / "record"
    paths = engine.paths
    with impostor(engine, known, how, record):
        assert launch.find(paths) is None
        assert not launch.stop(paths)
        client = launch.find_or_start(paths, Launch(sys.executable, paths.models))
        try:
            assert client.port != engine.client.port
            assert client.health()["pid"] != engine.process.pid
        finally:
            launch.stop(paths)
    sent = record.read_bytes()
    assert b"GET /v1/challenge?nonce=" in sent
    assert token.encode() not in sent
    assert b"Authorization" not in sent
    assert b"POST" not in sent


@pytest.mark.skipif(sys.platform == "win32", reason="files there have no such permissions")
@pytest.mark.parametrize("how", WAYS)
def test_a_front_end_that_found_the_engine_before_sends_it_nothing(
    how: str, start: Start, tmp_path: Path
) -> None:
    engine = start()
    known = seen_once(engine)
    client = launch.find(engine.paths)
    assert client is not None
    record = tmp_path / "record"
    shown = picture(64, 64, value=0x5A)
    with impostor(engine, known, how, record):
        with pytest.raises(EngineUnavailable, match="can't show that it is the engine"):
            client.submit(shown, "deblur", {})
        with pytest.raises(EngineUnavailable):
            client.fetch("x")
        with pytest.raises(EngineUnavailable):
            client.restore(shown, "deblur", {})
        client.cancel("x")
    sent = record.read_bytes()
    assert b"Authorization" not in sent
    assert b"\x5a" * 64 not in sent


def test_what_it_was_told_is_no_proof_later(start: Start) -> None:
    engine = start()
    state = launch.read_state(engine.paths)
    assert state is not None
    with engine.ask("GET", f"/v1/challenge?nonce={'a' * 32}", {"Authorization": None}) as answer:
        first = json.loads(answer.read())
    with engine.ask("GET", f"/v1/challenge?nonce={'a' * 32}", {"Authorization": None}) as answer:
        second = json.loads(answer.read())
    assert first["nonce"] != second["nonce"]
    assert set(first["proofs"]).isdisjoint(second["proofs"])
    for secret in (state["token"], state["proof"]):
        assert secret not in json.dumps([first, second])


@pytest.mark.parametrize("query", ["", "?nonce=", "?nonce=abc", f"?nonce={'g' * 32}"])
def test_a_challenge_without_a_nonce_is_refused(query: str, start: Start) -> None:
    engine = start()
    with engine.ask("GET", f"/v1/challenge{query}", {"Authorization": None}) as response:
        assert (response.status, json.loads(response.read())["error"]["code"]) == (
            400,
            "bad-request",
        )


def test_challenges_do_not_keep_an_engine_alive(start: Start) -> None:
    engine = start(exit_after=1.0)
    guesses = Client(engine.client.port, "guess")  # it asks, and goes no further

    def ended() -> bool:
        with contextlib.suppress(EngineUnavailable):
            guesses.health()
        return engine.process.poll() is not None

    wait_until(ended)
