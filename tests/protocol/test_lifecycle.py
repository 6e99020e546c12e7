"""Engines that are found, started, replaced and ended, and what stands in the way."""

import dataclasses
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from protocol.conftest import FAKE, HANG_S, Start, picture, wait_until

from pixelmend import __version__
from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import Canceled, EngineUnavailable
from pixelmend.paths import Paths, resolve

posix = pytest.mark.skipif(sys.platform == "win32", reason="files there have no such permissions")


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    """A home without an engine; one that is started in it is ended."""
    found = Paths(tmp_path / "home")
    found.home.mkdir()
    yield found
    launch.stop(found)


@pytest.fixture
def how(tmp_path: Path) -> Launch:
    return Launch(sys.executable, tmp_path / "models", exit_after_s=60)


def engines(paths: Paths) -> list[int]:
    """Lists the processes of engines that have this home."""
    processes = psutil.process_iter(["cmdline"])
    return [p.pid for p in processes if str(paths.home) in (p.info["cmdline"] or [])]


def test_an_engine_is_started_where_there_is_none_and_found_again(
    paths: Paths, how: Launch
) -> None:
    assert launch.find(paths) is None
    first = launch.find_or_start(paths, how).health()
    assert first["version"] == __version__
    assert launch.find_or_start(paths, how).health() == first
    assert launch.stop(paths)
    assert not launch.stop(paths)


@posix
def test_its_state_and_its_spool_are_readable_by_the_user_alone(paths: Paths, how: Launch) -> None:
    launch.find_or_start(paths, how)
    assert paths.state.stat().st_mode & 0o777 == 0o600
    assert paths.spool.stat().st_mode & 0o777 == 0o700


def test_clients_that_start_at_the_same_moment_get_the_same_engine(
    paths: Paths, how: Launch
) -> None:
    start = threading.Barrier(5)

    def race() -> int:
        start.wait()
        return launch.find_or_start(paths, how).health()["pid"]

    with ThreadPoolExecutor() as pool:
        found = {future.result(timeout=60) for future in [pool.submit(race) for _ in range(5)]}
    assert len(found) == 1
    wait_until(lambda: engines(paths) == list(found))


DEAD: dict[str, object] = {  # what an engine that was killed has left
    "version": __version__,
    "port": 1,
    "token": "t" * 43,
    "proof": "p" * 43,
    "models": "",
}


@pytest.mark.parametrize(
    "state",
    [
        "",
        "{",
        "[]",
        '{"version": "0.1.0", "port": "80", "token": "x", "models": ""}',
        '{"version": "0.1.0", "port": 1, "token": "x", "models": "", "pid": 999999}',
        json.dumps({**DEAD, "port": 2**70}),
        json.dumps({**DEAD, "port": -1}),
        json.dumps({**DEAD, "port": True}),
        json.dumps({**DEAD, "token": "two\r\nlines of sixteen"}),
        json.dumps({**DEAD, "token": "sechzehn Zeichen mit ß"}),
        json.dumps({**DEAD, "models": "\ud800"}),
        "[" * 60_000,
        '{"version": ' + "9" * 10_000 + "}",
        " " * 10_000_000,
    ],
    ids=[
        *("empty", "broken", "list", "wrong kinds", "dead process", "huge port"),
        *("negative port", "a truth for a port", "two lines for a token", "token beyond ASCII"),
        *("half a character", "deep", "a huge number", "huge"),
    ],
)
def test_a_stale_state_file_is_no_engine(state: str, paths: Paths, how: Launch) -> None:
    paths.state.write_text(state)
    paths.state.chmod(0o600)
    assert launch.find(paths) is None
    assert launch.find_or_start(paths, how).health()["version"] == __version__


PLAUSIBLE = json.dumps({"protocol": 1, "version": __version__, "pid": 1, "proof": "guess"})
OK = "HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    "answer", ["", "SSH-2.0-OpenSSH\r\n", f"{OK}hello", f"{OK}[]", f"{OK}{{}}", f"{OK}{PLAUSIBLE}"]
)
def test_another_program_on_the_port_is_no_engine(answer: str, paths: Paths, how: Launch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def reply() -> None:
            while True:
                try:
                    connection, _ = other.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(answer.encode())

        threading.Thread(target=reply, daemon=True).start()
        state = {**DEAD, "models": str(how.models)}
        paths.state.write_text(json.dumps({**state, "port": other.getsockname()[1]}))
        paths.state.chmod(0o600)
        assert launch.find_or_start(paths, how).health()["version"] == __version__


@posix
def test_a_token_that_others_could_read_is_refused_and_replaced(paths: Paths, how: Launch) -> None:
    old = launch.find_or_start(paths, how)
    before = launch.read_state(paths)
    paths.state.chmod(0o644)
    assert launch.find(paths) is None
    wait_until(lambda: launch.find(paths))
    after = launch.read_state(paths)
    assert before is not None
    assert after is not None
    assert before["token"] != after["token"]
    assert before["pid"] == after["pid"]
    assert paths.state.stat().st_mode & 0o777 == 0o600
    with pytest.raises(EngineUnavailable, match="can't show that it is the engine"):
        old.health()


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe no text"])
def test_a_lost_state_file_is_written_again(
    content: bytes | None, paths: Paths, how: Launch
) -> None:
    pid = launch.find_or_start(paths, how).health()["pid"]
    paths.state.unlink()
    if content is not None:
        paths.state.write_bytes(content)
    assert launch.find_or_start(paths, how).health()["pid"] == pid


def test_an_outdated_plug_in_says_so_and_ends_nobodys_engine(
    paths: Paths, how: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch.find_or_start(paths, how)
    state = paths.state.read_bytes()
    monkeypatch.setattr(launch, "__version__", "0.0.9")
    with pytest.raises(EngineUnavailable, match=r"plug-in is of version 0\.0\.9") as raised:
        launch.find_or_start(paths, how, front_end="GIMP")
    assert "pixelmend setup gimp" in raised.value.hint
    assert paths.state.read_bytes() == state  # the same engine, still there
    assert launch.find(paths) is not None


def test_an_engine_of_another_version_is_replaced(paths: Paths, how: Launch) -> None:
    old = launch.find_or_start(paths, how).health()["pid"]
    # As an older front end would see it: the engine writes its own version back soon.
    state = launch.read_state(paths)
    assert state is not None
    paths.state.write_text(json.dumps({**state, "version": "0.0.1"}))
    new = launch.find_or_start(paths, how).health()["pid"]
    assert new != old
    wait_until(lambda: engines(paths) == [new])


def test_a_home_may_be_named_from_where_one_stands(
    how: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = resolve({"PIXELMEND_HOME": "here"})
    assert launch.find_or_start(paths, how).health()["version"] == __version__
    assert launch.stop(paths)
    assert (tmp_path / "here" / "engine.log").exists()


def test_an_interpreter_without_the_engine_is_told(paths: Paths, how: Launch) -> None:
    with pytest.raises(EngineUnavailable, match="No such file"):
        launch.find_or_start(paths, dataclasses.replace(how, python="/nowhere/python"))
    bare = dataclasses.replace(how, python="/usr/bin/python3")
    if not Path(bare.python).exists():
        pytest.skip("this computer has no second Python")
    with pytest.raises(EngineUnavailable, match="pixelmend_engine") as failed:
        launch.find_or_start(paths, bare)
    assert "doctor" in failed.value.hint


def test_what_a_host_puts_into_the_environment_stays_outside() -> None:
    host = {
        "PYTHONHOME": "/gimp",
        "PYTHONPATH": "/krita",
        "LD_PRELOAD": "/gimp/libgegl.so",
        "LD_LIBRARY_PATH": "/gimp/lib",
        "DYLD_LIBRARY_PATH": "/gimp/lib",
        "GI_TYPELIB_PATH": "/gimp",
        "QT_QPA_PLATFORM": "xcb",
        "QML2_IMPORT_PATH": "/krita",
        "GIMP3_DIRECTORY": "/gimp",
        "VIRTUAL_ENV": "/elsewhere",
        "APPDIR": "/tmp/.mount_gimp",
        "APPIMAGE": "/gimp.AppImage",
        "PATH": "/tmp/.mount_gimp/usr/bin:/usr/bin",
    }
    user = {
        "HOME": "/home/me",
        "LANG": "de_DE.UTF-8",
        "CUDA_VISIBLE_DEVICES": "1",
        "PIXELMEND_X": "",
    }
    assert launch.clean_environment({**host, **user}) == {**user, "PATH": "/usr/bin"}


def test_an_engine_that_is_killed_is_noticed_and_replaced(start: Start, how: Launch) -> None:
    engine = start(steps=100, step_seconds=0.05)

    def kill(event: object) -> None:
        if getattr(event, "phase", "") == "run":
            engine.process.kill()

    with pytest.raises(EngineUnavailable, match="The engine ended") as failed:
        engine.client.restore(picture(), "deblur", {}, kill)
    assert "starts anew" in failed.value.hint
    assert launch.find(engine.paths) is None
    new = launch.find_or_start(engine.paths, how)
    assert new.health()["pid"] != engine.process.pid
    launch.stop(engine.paths)


def test_asked_to_end_it_reports_its_jobs_as_canceled(start: Start) -> None:
    engine = start(steps=1000, step_seconds=0.05)
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(engine.client.restore, picture(), "deblur", {}) for _ in range(3)]
        engine.wait_for(["run", "queued", "queued"])
        engine.process.send_signal(signal.SIGTERM)
        for job in jobs:
            with pytest.raises(Canceled, match="The engine was stopped"):
                job.result(timeout=HANG_S)
    assert engine.process.wait(timeout=HANG_S) == 0
    assert not engine.paths.state.exists()


def test_what_it_kept_on_disk_is_gone_at_start_and_end(start: Start) -> None:
    engine = start(spool_share=0)  # everything goes to disk
    result, _ = engine.client.restore(picture(), "deblur", {})
    assert bytes(result.data) == picture().data
    (engine.paths.spool / "left by a crash").write_bytes(b"a private picture")
    engine.process.kill()
    engine.process.wait()
    engine = start()
    assert list(engine.paths.spool.iterdir()) == []
    (engine.paths.spool / "left by a bug").write_bytes(b"a private picture")
    engine.process.terminate()
    engine.process.wait(timeout=HANG_S)
    assert list(engine.paths.spool.iterdir()) == []


CLIENT = """
import os, sys
sys.path[:0] = {path!r}
from pixelmend.client import launch
from pixelmend.paths import Paths, resolve
from pixelmend.wire import Raster
from pathlib import Path
client = launch.find(Paths(Path({home!r})))
picture = Raster(1000, 1000, "U8", "RGB", bytes(3_000_000))
phase = {phase!r}
if phase == "upload":
    import socket
    s = socket.create_connection(("127.0.0.1", client.port))
    token = client._headers["Authorization"]
    s.sendall(f"POST /v1/jobs HTTP/1.1\\r\\nHost: 127.0.0.1:{{client.port}}\\r\\n"
              f"Authorization: {{token}}\\r\\nContent-Length: 3000000\\r\\n\\r\\n".encode())
    s.sendall(bytes(1000))
    print("now", flush=True); os.kill(os.getpid(), 9)
job = client.submit(picture, "deblur", {{}})
for event in client.follow(job):
    if event.phase == phase:
        print("now", flush=True); os.kill(os.getpid(), 9)
"""


@posix
@pytest.mark.parametrize("phase", ["upload", "run", "done"])
def test_a_client_that_is_killed_leaves_the_engine_free(phase: str, start: Start) -> None:
    engine = start(steps=20, step_seconds=0.05 if phase == "done" else 1.0)
    script = CLIENT.format(path=sys.path, home=str(engine.paths.home), phase=phase)
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.stdout == b"now\n", killed.stderr
    assert killed.returncode == -signal.SIGKILL
    expected = {"upload": [], "run": ["canceled"], "done": ["done"]}[phase]
    engine.wait_for(expected)
    wait_until(lambda: not engine.client.health()["busy"])


@posix
def test_a_full_disk_fails_the_job_and_not_the_engine(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    home = tmp_path / "home"
    home.mkdir()
    script = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    command = [sys.executable, str(FAKE), "--home", str(home), "--spool-share", "0"]
    process = subprocess.Popen(["unshare", "-rm", "sh", "-c", script, str(home), *command])
    try:
        paths = Paths(Path(f"/proc/{process.pid}/root{home}"))
        wait_until(lambda: launch.find(paths))
        client = launch.find(paths)
        assert isinstance(client, Client)
        with pytest.raises(Exception, match="no room") as failed:
            client.restore(picture(1000, 1000), "deblur", {})
        assert getattr(failed.value, "code", "") == "spool-full"
        assert client.restore(picture(), "deblur", {"seed": 4})[1] == {"seed": 4}
    finally:
        process.terminate()
        process.wait(timeout=HANG_S)


def test_two_engines_can_not_have_one_home(start: Start) -> None:
    engine = start()
    second = subprocess.run(
        [sys.executable, str(FAKE), "--home", str(engine.paths.home)], check=False
    )
    assert second.returncode == 3
    assert engine.client.health()["pid"] == engine.process.pid
