"""`pixelmend settings`: shown, kept, and heeded by the next command."""

import json
from pathlib import Path

import pytest
from conftest import CommandRunner

from pixelmend import preferences
from pixelmend.paths import Paths
from pixelmend.preferences import Preferences


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "home"))
    return Paths(tmp_path / "home")


def test_a_choice_is_shown_and_kept(pixelmend: CommandRunner, own_home: Paths) -> None:
    assert pixelmend("settings", "downloads").stdout.startswith("ask: ")
    preferences.write(own_home, Preferences("ask", frozenset({"diffbir-v2.1"})))
    assert pixelmend("settings", "downloads", "never").stdout.startswith("never: ")
    assert pixelmend("settings", "downloads").stdout.startswith("never: ")
    assert preferences.read(own_home) == Preferences("never")
    assert pixelmend("settings", "downloads", "perhaps").code == 2


def test_never_downloads_nothing_though_there_is_a_network(
    pixelmend: CommandRunner, own_home: Paths, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    monkeypatch.setenv("PIXELMEND_MIRROR", "https://127.0.0.1:9")  # where nobody answers
    pixelmend("settings", "downloads", "never")
    command = ("deblur", photo, "--in-process", "--device", "cpu", "--json")
    (note,) = json.loads(pixelmend(*command).stdout)["notes"]
    assert "114 MB to download" in note
