"""The command line as a client of the real engine, and as an engine of its own."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import CommandRunner
from fakes import ignore, untold
from PIL import Image

from pixelmend import __version__
from pixelmend.client import launch
from pixelmend.errors import DeviceUnavailable
from pixelmend.paths import Paths
from pixelmend_cli.engines import InProcessEngine, Listener, end_by_force
from pixelmend_engine.images import files
from pixelmend_engine.restoration.task_request import TaskRequest
from pixelmend_engine.weights.download.network_settings import OFFLINE


def test_both_ways_give_the_same_bits(
    pixelmend: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    options = ("--device", "cpu", "--seed", "4", "--strength", "0.7")
    assert pixelmend("deblur", photo, "-o", one, *options).code == 0
    assert pixelmend("deblur", photo, "-o", two, *options, "--in-process").code == 0
    assert one.read_bytes() == two.read_bytes()


def test_the_engine_stays_for_the_next_command(pixelmend: CommandRunner, photo: Path) -> None:
    pixelmend("deblur", photo)
    status = json.loads(pixelmend("engine", "status", "--json").stdout)
    assert status["engine"]["version"] == __version__
    pid = status["engine"]["pid"]
    pixelmend("deblur", photo, "--overwrite")
    assert json.loads(pixelmend("engine", "status", "--json").stdout)["engine"]["pid"] == pid
    assert f"process {pid}" in pixelmend("serve").stdout


def test_in_process_leaves_no_engine_behind(
    pixelmend: CommandRunner, photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "other"))
    assert pixelmend("deblur", photo, "--in-process").code == 0
    result = pixelmend("engine", "status")
    assert (result.code, result.stdout) == (1, "No engine is running\n")
    assert not (tmp_path / "other").exists()


def test_an_engine_can_be_ended_and_its_log_read(
    pixelmend: CommandRunner, photo: Path, home: Paths
) -> None:
    pixelmend("deblur", photo)
    assert pixelmend("engine", "stop").stdout == "The engine was stopped\n"
    assert pixelmend("engine", "stop").stdout == "No engine is running\n"
    log = pixelmend("engine", "logs").stdout
    assert "restored 72 x 56 pixels with hi-diff-compact" in log
    assert photo.name not in log
    assert not home.state.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_an_engine_can_be_watched_in_the_foreground(
    pixelmend: CommandRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "other"))
    command = [sys.executable, "-m", "pixelmend", "serve", "--foreground"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "serving on port" in process.stderr.readline()
        while pixelmend("engine", "status").code:
            time.sleep(0.05)
        process.terminate()
        assert "asked to end by SIGTERM" in process.stderr.read()
        assert process.wait(timeout=60) == 0
    assert not (tmp_path / "other" / "engine.json").exists()


def test_errors_of_the_engine_are_told_as_those_of_the_command(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    small.save(tmp_path / "a.png")
    result = pixelmend("deblur", tmp_path / "a.png", "--device", "cuda:77")
    assert result.code == 6
    assert len(result.stderr.splitlines()) == 2


LISTENER = Listener(note=lambda words: None, download=untold)


def engine(models_dir: Path, device: str) -> InProcessEngine:
    request = TaskRequest.of({"task": "deblur", "device": device, "seed": 1})
    return InProcessEngine(request, models_dir, OFFLINE, LISTENER)


def test_a_device_that_is_not_there_is_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable):
        engine(tmp_path, "cuda:99").restore(files.to_raster(files.read(photo)), ignore)


def test_a_picture_comes_back_with_what_there_is_to_say(photo: Path, tmp_path: Path) -> None:
    source = files.to_raster(files.read(photo))
    result, facts = engine(tmp_path, "cpu").restore(source, ignore)
    assert (result.width, result.height) == (source.width, source.height)
    assert bytes(result.data) != bytes(source.data)
    assert (facts["model"], facts["seed"], facts["scale"]) == ("hi-diff-compact", 1, 1)
    assert np.isfinite(facts["seconds"])


def test_force_ends_no_process_that_is_not_the_engine(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        secrets = {"token": "x" * 20, "proof": "y" * 20}
        state = {"version": "1", "port": 1, "models": "", "pid": other.pid, **secrets}
        paths.state.write_text(json.dumps(state), encoding="utf-8")
        paths.state.chmod(0o600)
        assert launch.read_state(paths) == state
        assert not end_by_force(paths)
        assert other.poll() is None
        other.kill()
    assert not end_by_force(Paths(tmp_path / "nothing there"))
