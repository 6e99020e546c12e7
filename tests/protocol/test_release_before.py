"""Release 0.1 and this one: either's front end works with the other's engine.

`release_0_1.zip` has that release's modules as they were: what its plug-ins load, and its server.
"""

import contextlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from protocol.conftest import wait_until

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import Canceled, PixelmendError
from pixelmend.host import host
from pixelmend.host.host import PluginInstall
from pixelmend.paths import Paths
from pixelmend.wire import Event, Raster
from pixelmend_cli.setup import install
from pixelmend_engine.catalog import tasks

HERE = Path(__file__).parent
PICTURE = Raster(8, 9, "U8", "RGB", bytes(range(216)), color_profile=b"a profile")
SETTINGS = {  # as release 0.1 wrote them
    "entry": "__init__.py",
    "python": "/opt/pixelmend/bin/python",
    "home": "/home/ann/.local/share/pixelmend",
    "models": "/home/ann/models",
    "release_after_s": 300.0,
    "exit_after_s": 1800.0,
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of release 0.1."""
    folder = tmp_path_factory.mktemp("release")
    with zipfile.ZipFile(HERE / "release_0_1.zip") as archive:
        archive.extractall(folder)
    return folder


@contextlib.contextmanager
def engine(program: Path, home: Path, steps: int = 5) -> Generator[Client]:
    """Runs an engine that gives pictures back."""
    command = [sys.executable, str(program), "--home", str(home), "--named", "1"]
    command += ["--steps", str(steps), "--step-seconds", "0.05"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: launch.find(Paths(home)) is not None, within_s=60)
            client = launch.find(Paths(home))
            assert client is not None
            yield client
        finally:
            process.kill()


@pytest.fixture(scope="module")
def met(release: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What that release's front end meets: our engine, our panel, and what our `setup` writes."""
    home, plug_in = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("plug-in")
    (plug_in / "entry.py").touch()
    python = plug_in / "python"  # with the screen that nobody sees
    python.write_text(
        f'#!/bin/sh\nQT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=/tmp exec {sys.executable} "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    paths = Paths(home)
    started_by = Launch(python=sys.executable, models=paths.models)
    install.write_settings(plug_in, PluginInstall(plug_in, "entry.py", paths, started_by))
    command = [sys.executable, str(HERE / "old_front_end.py")]
    command += [str(path) for path in (release, home, plug_in, python)]
    with engine(HERE / "fake_engine.py", home):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_its_front_end_takes_the_engine_that_runs(met: dict[str, Any]) -> None:
    assert met["the running one"]
    assert met["tasks"] == list(tasks.TITLES)


def test_its_pictures_go_there_and_back(met: dict[str, Any]) -> None:
    assert met["well"]["outcome"] == "done"
    assert met["well"]["error"] is None
    assert met["well"]["phases"] == ["queued", "load", "run", "done"]
    same, facts = met["well"]["result"]
    assert same
    assert (facts["seed"], facts["title"]) == (3, "Echo")


def test_it_is_told_what_went_wrong(met: dict[str, Any]) -> None:
    assert met["failed"]["outcome"] == "failed"
    code, message, hint = met["failed"]["error"]
    assert (code, bool(message)) == ("internal", True)
    assert "pixelmend engine logs" in hint


def test_it_can_cancel(met: dict[str, Any]) -> None:
    assert met["canceled"]["outcome"] == "canceled"
    assert met["canceled"]["result"] is None


def test_its_menu_and_settings_are_ours(met: dict[str, Any]) -> None:
    assert met["menu"] == list(tasks.TITLES)
    assert met["settings"].keys() == SETTINGS.keys()


def test_its_plug_in_shows_our_panel(met: dict[str, Any]) -> None:
    if "cannot open shared object" in met["panel"]["log"]:
        pytest.skip("Qt lacks a library of the system")
    assert (met["panel"]["exit"], met["panel"]["failed"]) == (0, False)
    assert "Traceback" not in met["panel"]["log"]


@pytest.fixture(scope="module")
def old_engine(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The server of release 0.1, found by our client."""
    with engine(release / "fake_engine.py", tmp_path_factory.mktemp("home")) as client:
        yield client


def test_our_pictures_go_to_its_engine_and_back(old_engine: Client) -> None:
    events: list[Event] = []
    result, facts = old_engine.restore(PICTURE, "deblur", {"seed": 3}, events.append)
    assert bytes(result.data) == PICTURE.data
    assert result.color_profile == b"a profile"
    assert (facts["seed"], facts["title"]) == (3, "Echo")
    assert list(dict.fromkeys(event.phase for event in events)) == ["queued", "load", "run", "done"]


def test_its_engine_describes_the_tasks_that_we_show(old_engine: Client) -> None:
    assert [task["id"] for task in old_engine.tasks()] == list(tasks.TITLES)


def test_its_engine_tells_us_what_went_wrong(old_engine: Client) -> None:
    with pytest.raises(PixelmendError) as raised:
        old_engine.restore(PICTURE, "deblur", {"seed": 13})
    assert raised.value.code == "internal"
    with pytest.raises(PixelmendError) as raised:
        old_engine.submit(PICTURE, "sharpen", {})
    assert raised.value.code == "bad-request"


def test_its_engine_is_canceled_by_us(old_engine: Client) -> None:
    def stop(event: Event) -> None:
        if event.phase == "run":
            raise Canceled("enough", hint="")

    with pytest.raises(Canceled):
        old_engine.restore(PICTURE, "deblur", {}, stop)
    wait_until(lambda: {job["phase"] for job in old_engine.jobs()} <= {"canceled", "failed"})


def test_what_its_setup_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    found = host.read_install(tmp_path)
    assert found.launch.python == SETTINGS["python"]
    assert found.launch.models == Path("/home/ann/models")
    assert found.paths.home == Path("/home/ann/.local/share/pixelmend")
    assert found.to_json() == SETTINGS


OLD_FRONT_END = """
import importlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
errors, launch, paths = (importlib.import_module(f"pixelmend.{name}")
                         for name in ("errors", "launch", "paths"))
start = launch.Launch(python=sys.executable, models=Path("/another/folder"))
try:
    launch.find_or_start(paths.Paths(Path(sys.argv[2])), start)
except errors.PixelmendError as error:
    print(error.message)
"""


def test_its_front_end_does_not_end_our_engine_at_work(release: Path, tmp_path: Path) -> None:
    with (
        engine(HERE / "fake_engine.py", tmp_path, steps=60) as client,
        ThreadPoolExecutor() as pool,
    ):
        job = pool.submit(client.restore, PICTURE, "deblur", {"seed": 3})
        wait_until(lambda: [job["phase"] for job in client.jobs()] == ["run"])
        command = [sys.executable, "-c", OLD_FRONT_END, str(release), str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert told.startswith("The engine is at work (deblur")
        assert job.result(timeout=60)[1]["seed"] == 3


def test_its_engine_at_work_is_not_ended_by_us(release: Path, tmp_path: Path) -> None:
    told: list[str] = []

    def stop(seconds: float) -> None:
        raise Canceled("enough", hint="")

    others = Launch(python=sys.executable, models=Path("/another/folder"))
    with (
        engine(release / "fake_engine.py", tmp_path, steps=60) as client,
        ThreadPoolExecutor() as pool,
    ):
        job = pool.submit(client.restore, PICTURE, "deblur", {"seed": 3})
        wait_until(lambda: [job["phase"] for job in client.jobs()] == ["run"])
        with pytest.raises(Canceled):
            launch.find_or_start(Paths(tmp_path), others, stop, tell=told.append)
        assert "is at work; waiting" in told[0]
        assert job.result(timeout=60)[1]["seed"] == 3
