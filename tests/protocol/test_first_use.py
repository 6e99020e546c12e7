"""The first use of a model, through a real engine: told of, shared, canceled, gone on with."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mirror import Mirror, Response
from protocol.conftest import HANG_S, picture, wait_until
from published import pickled, tensors, zipped

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import Canceled, WeightsMissing
from pixelmend.paths import Paths
from pixelmend.wire import Event

MODEL = "hi-diff-realblur-r"
OPTIONS = {"model": MODEL, "device": "cpu"}


@pytest.fixture(scope="module")
def published() -> bytes:
    """The published archive, made from random numbers."""
    return zipped(
        {
            f"{name}.pth": pickled({"params": tensors(f"hi-diff-realblur-{name}")})
            for name in ("net_g", "net_le_dm", "net_d")
        }
    )


@pytest.fixture
def client(
    tmp_path: Path, mirror: Mirror, published: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """A real engine, with nothing installed, and the mirror as its first source."""
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    monkeypatch.setenv("PIXELMEND_MIRROR", mirror.url)
    mirror.at(f"/{MODEL}", Response(body=published, etag='"1"', bytes_per_s=60e6))
    paths = Paths(tmp_path / "home")
    yield launch.find_or_start(paths, Launch(sys.executable, paths.models))
    launch.stop(paths)


def test_a_download_is_told_of_and_the_picture_restored(client: Client, mirror: Mirror) -> None:
    events: list[Event] = []
    _, facts = client.restore(picture(48, 40), "deblur", OPTIONS, events.append)
    assert facts["model"] == MODEL
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases == ["queued", "download", "load", "run", "done"]
    downloads = [event for event in events if event.phase == "download"]
    (message,) = [event.message for event in downloads if event.message]
    assert f"`{MODEL}` (~97 MB)" in message
    assert "Apache-2.0" in message
    totals = {event.total for event in downloads} - {0}
    assert len(totals) == 1
    assert all(event.done <= event.total for event in downloads if event.total)
    deblur = next(task for task in client.tasks() if task["id"] == "deblur")
    (model,) = [m for m in deblur["models"] if m["id"] == MODEL]
    assert model["weights"] == "installed"


def test_a_second_job_shares_the_download(client: Client, mirror: Mirror) -> None:
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(client.restore, picture(), "deblur", OPTIONS) for _ in range(2)]
        assert {job.result()[1]["model"] for job in jobs} == {MODEL}
    assert len(mirror.gets(f"/{MODEL}")) == 1


def test_a_canceled_download_goes_on_with_the_next_job(
    client: Client, mirror: Mirror, published: bytes
) -> None:
    mirror.at(
        f"/{MODEL}",
        Response(body=published, etag='"1"', stall_at=len(published) // 2),
        Response(body=published, etag='"1"'),
    )

    def cancel(event: Event) -> None:
        if event.phase == "download" and event.done == len(published) // 2:
            raise Canceled("Canceled", hint="")

    with pytest.raises(Canceled):
        client.restore(picture(), "deblur", OPTIONS, cancel)
    wait_until(lambda: not client.health()["busy"])  # though the source stalls for longer
    client.restore(picture(), "deblur", OPTIONS)
    assert [request.begins_at for request in mirror.gets(f"/{MODEL}")] == [0, len(published) // 2]


def test_a_download_that_fails_is_the_jobs_error(client: Client, mirror: Mirror) -> None:
    mirror.at(f"/{MODEL}", Response(status=404))
    with pytest.raises(WeightsMissing, match="are not on this computer"):
        client.restore(picture(), "deblur", {**OPTIONS, "offline": True})
    assert mirror.requests == []


def test_the_command_line_shows_it(
    client: Client, mirror: Mirror, tmp_path: Path, photo: Path
) -> None:
    command = [sys.executable, "-m", "pixelmend", "deblur", str(photo), "-n", MODEL, "--json"]
    environ = {**os.environ, "PIXELMEND_HOME": str(tmp_path / "home")}
    ended = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(ended.stdout)["model"] == MODEL
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"Downloading `{MODEL}` (~97 MB) from ")


def test_auto_falls_back_in_one_line_until_a_better_model_is_pulled(
    client: Client, mirror: Mirror, tmp_path: Path
) -> None:
    offline = {"device": "cpu", "offline": True}
    events: list[Event] = []
    _, facts = client.restore(picture(), "deblur", offline, events.append)
    assert facts["model"] == "hi-diff-compact"
    (note,) = facts["notes"]
    assert "`pixelmend models pull hi-diff-gopro` gets them" in note
    assert facts["larger"] == {"model": "hi-diff-gopro", "title": "HI-Diff GoPro", "note": note}
    assert "download" not in {event.phase for event in events}
    command = [sys.executable, "-m", "pixelmend", "models", "pull", MODEL, "-q"]
    environ = {**os.environ, "PIXELMEND_HOME": str(tmp_path / "home")}
    subprocess.run(command, env=environ, check=True, timeout=120)
    assert client.restore(picture(), "deblur", offline)[1]["model"] == MODEL


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_ctrl_c_loses_nothing(
    mirror: Mirror, published: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    monkeypatch.setenv("PIXELMEND_MIRROR", mirror.url)
    half = len(published) // 2
    whole = Response(body=published, etag='"1"')
    mirror.at(f"/{MODEL}", Response(body=published, etag='"1"', stall_at=half), whole)
    command = [sys.executable, "-m", "pixelmend", "models", "pull", MODEL]
    environ = {**os.environ, "PIXELMEND_HOME": str(tmp_path / "home")}
    part = tmp_path / "home" / "models" / "downloads" / f"{MODEL}.part"
    with subprocess.Popen(
        command,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        # What is in Python's own buffer is not on the disk yet.
        wait_until(lambda: part.exists() and part.stat().st_size > half - 100_000)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=HANG_S) == 130
        assert process.stderr is not None
        assert "Canceled" in process.stderr.read()
    assert part.stat().st_size == half
    subprocess.run([*command, "-q"], env=environ, check=True, timeout=120)
    assert mirror.gets(f"/{MODEL}")[-1].begins_at == half


def test_a_mirrors_password_is_sent_and_written_down_nowhere(
    mirror: Mirror, published: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    address = mirror.url.replace("https://", "https://ann:s%40cret@")
    monkeypatch.setenv("PIXELMEND_MIRROR", address)
    mirror.at(f"/{MODEL}", Response(status=500), Response(body=published, etag='"1"'))
    paths = Paths(tmp_path / "home")
    events: list[Event] = []
    client = launch.find_or_start(paths, Launch(sys.executable, paths.models))
    try:
        client.restore(picture(), "deblur", OPTIONS, events.append)
    finally:
        launch.stop(paths)
    bundle = tmp_path / "home" / "bundle.zip"
    said = str(events)
    environ = {**os.environ, "PIXELMEND_HOME": str(paths.home)}
    for arguments in (
        ["models", "export", "--all", "-o", str(bundle)],
        ["models", "info", MODEL],
        ["models", "import", f"https://ann:s%40cret@localhost/{MODEL}"],
        ["deblur", f"https://ann:s%40cret@localhost/{MODEL}.jpg"],
        ["engine", "logs"],
        ["doctor"],
    ):
        command = [sys.executable, "-m", "pixelmend", *arguments]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        said += ended.stdout + ended.stderr
    assert "from localhost" in said
    assert {request.headers.get("Authorization") for request in mirror.gets(f"/{MODEL}")} == {
        f"Basic {base64.b64encode(b'ann:s@cret').decode()}"
    }
    assert bundle.exists()
    written = [path for path in paths.home.rglob("*") if path.is_file()]
    for secret in ("s%40cret", "s@cret", base64.b64encode(b"ann:s@cret").decode()):
        assert secret not in said
        assert [path for path in written if secret.encode() in path.read_bytes()] == []
