"""`pixelmend setup` and `pixelmend doctor EDITOR`, as a user types them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only profile of GIMP, which was started once, and which a variable names."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIMP3_DIRECTORY", str(tmp_path / "profile"))
    (tmp_path / "profile").mkdir()
    return tmp_path / "profile"


def test_setup_says_what_it_did(pixelmend: Callable[..., Any], profile: Path) -> None:
    result = pixelmend("setup")
    assert (result.code, result.stdout.split()) == (
        0,
        ["Installed", str(profile / "plug-ins" / "pixelmend-restore")],
    )
    assert "Filters > Restore" in result.stderr
    assert pixelmend("doctor", "gimp").code == 0


def test_setup_takes_out_what_it_put_in(pixelmend: Callable[..., Any], profile: Path) -> None:
    pixelmend("setup", "gimp")
    assert pixelmend("setup", "gimp", "--remove").stdout.startswith("Removed")
    assert list((profile / "plug-ins").iterdir()) == []
    result = pixelmend("doctor", "gimp")
    assert result.code == 1
    assert "pixelmend setup gimp" in result.stdout


def test_an_editor_that_is_not_known_is_refused(pixelmend: Callable[..., Any]) -> None:
    assert pixelmend("setup", "paint").code == 2


@pytest.fixture
def krita(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only Krita."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "pixelmend"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "data" / "krita").mkdir(parents=True)
    return tmp_path / "data" / "krita"


def test_krita_is_set_up_and_cleared(pixelmend: Callable[..., Any], krita: Path) -> None:
    module = krita / "pykrita" / "pixelmend_krita"
    result = pixelmend("setup", "krita")
    assert (result.code, result.stdout) == (0, f"Installed {module}\n")
    assert "Tools > Scripts" in result.stderr
    assert pixelmend("doctor", "krita").code == 0
    assert pixelmend("setup", "krita", "--remove").stdout == f"Removed {module}\n"
    assert pixelmend("doctor", "krita").code == 1


def test_a_file_for_kritas_importer_is_written(
    pixelmend: Callable[..., Any], krita: Path, tmp_path: Path
) -> None:
    result = pixelmend("setup", "krita", "--zip", tmp_path / "new.zip")
    assert (result.code, result.stdout) == (0, f"{tmp_path / 'new.zip'}\n")
    assert (tmp_path / "new.zip").is_file()
    assert list(krita.iterdir()) == []


@pytest.mark.parametrize("arguments", [("gimp",), ("krita", "--remove")])
def test_that_file_goes_with_nothing_else(
    pixelmend: Callable[..., Any], krita: Path, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    assert pixelmend("setup", *arguments, "--zip", tmp_path / "new.zip").code == 2
