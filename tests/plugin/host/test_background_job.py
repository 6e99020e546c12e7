"""A job in a thread, with the real engine, on both bindings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pixelmend.client import launch
from pixelmend.host.host import PluginInstall
from pixelmend.paths import Paths
from pixelmend_cli import settings
from pixelmend_cli.setup import install

SCRIPT = Path(__file__).parent / "background_job.py"


@pytest.fixture(scope="module", params=["PyQt6", "PyQt5"])
def told(
    request: pytest.FixtureRequest, home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """How each job went."""
    folder = tmp_path_factory.mktemp("plug-in")
    (folder / "entry.py").touch()
    start = settings.launch_of(settings.resolve({"PIXELMEND_HOME": str(home.home)}))
    launch.find_or_start(home, start)
    install.write_settings(folder, PluginInstall(folder, "entry.py", home, start))
    command = [sys.executable, str(SCRIPT), request.param, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot open shared object" in ended.stderr:
        pytest.skip(f"Qt lacks a library of the system: {ended.stderr.splitlines()[-1]}")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_picture_goes_there_and_back(told: dict[str, Any]) -> None:
    assert told["well"]["ended"] == ["done"]
    assert (told["well"]["width"], told["well"]["model"]) == (64, "hi-diff-compact")
    assert "run" in told["well"]["phases"]


def test_news_arrive_in_the_main_thread_which_does_not_wait(told: dict[str, Any]) -> None:
    assert told["main thread"]
    assert told["well"]["turns"] > 5


def test_an_error_is_kept(told: dict[str, Any]) -> None:
    assert told["wrong"]["ended"] == ["failed"]
    assert told["wrong"]["error"] == "unknown-model"


def test_after_a_cancel_nothing_is_heard_but_the_end(told: dict[str, Any]) -> None:
    assert told["canceled"]["ended"] == ["canceled"]
    assert told["canceled"]["phases"] == []
    assert told["canceled"]["width"] is None
