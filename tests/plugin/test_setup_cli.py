"""`pixelmend setup` and `pixelmend doctor gimp`, as a user types them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only profile of GIMP, which a variable names."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIMP3_DIRECTORY", str(tmp_path / "profile"))
    return tmp_path / "profile"


def test_setup_says_what_it_did(pixelmend: Callable[..., Any], profile: Path) -> None:
    ended = pixelmend("setup")
    assert (ended.code, ended.stdout.split()) == (
        0,
        ["Installed", str(profile / "plug-ins" / "pixelmend-restore")],
    )
    assert "Filters > Restore" in ended.stderr
    assert pixelmend("doctor", "gimp").code == 0


def test_setup_takes_out_what_it_put_in(pixelmend: Callable[..., Any], profile: Path) -> None:
    pixelmend("setup", "gimp")
    assert pixelmend("setup", "gimp", "--remove").stdout.startswith("Removed")
    assert list((profile / "plug-ins").iterdir()) == []
    ended = pixelmend("doctor", "gimp")
    assert ended.code == 1
    assert "pixelmend setup gimp" in ended.stdout


def test_an_editor_that_is_not_known_is_refused(pixelmend: Callable[..., Any]) -> None:
    assert pixelmend("setup", "paint").code == 2
