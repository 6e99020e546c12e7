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
def outcomes(
    request: pytest.FixtureRequest, home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """How each job went."""
    folder = tmp_path_factory.mktemp("plug-in")
    (folder / "entry.py").touch()
    start = settings.launch_of(settings.resolve({"PIXELMEND_HOME": str(home.home)}))
    launch.find_or_start(home, start)
    install.write_settings(folder, PluginInstall(folder, "entry.py", home, start))
    command = [sys.executable, str(SCRIPT), request.param, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot open shared object" in result.stderr:
        pytest.skip(f"Qt lacks a library of the system: {result.stderr.splitlines()[-1]}")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_picture_goes_there_and_back(outcomes: dict[str, Any]) -> None:
    assert outcomes["well"]["ended"] == ["done"]
    assert (outcomes["well"]["width"], outcomes["well"]["model"]) == (64, "hi-diff-compact")
    assert "run" in outcomes["well"]["phases"]


def test_news_arrive_in_the_main_thread_which_does_not_wait(outcomes: dict[str, Any]) -> None:
    assert outcomes["main thread"]
    assert outcomes["well"]["turns"] > 5


def test_an_error_is_kept(outcomes: dict[str, Any]) -> None:
    assert outcomes["wrong"]["ended"] == ["failed"]
    assert outcomes["wrong"]["error"] == "unknown-model"


def test_after_a_cancel_nothing_is_heard_but_the_end(outcomes: dict[str, Any]) -> None:
    assert outcomes["canceled"]["ended"] == ["canceled"]
    assert outcomes["canceled"]["phases"] == []
    assert outcomes["canceled"]["width"] is None
