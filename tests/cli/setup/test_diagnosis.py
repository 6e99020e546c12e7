"""What every plug-in needs, looked at in one that is sound and in ones that are not."""

import sys
from pathlib import Path

import pytest

from pixelmend.client.launch import Launch
from pixelmend.host import host
from pixelmend.host.host import PluginInstall
from pixelmend.paths import Paths
from pixelmend_cli.setup import diagnosis, install

AGAIN = "install it again"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound plug-in."""
    install.copy_shared(tmp_path, [{"id": "deblur"}], panel=False)
    launch = Launch(python=sys.executable, models=tmp_path)
    install.write_settings(tmp_path, PluginInstall(tmp_path, "entry.py", Paths(tmp_path), launch))
    return tmp_path


def wrong(folder: Path) -> dict[str, str]:
    return {one.name: one.hint for one in diagnosis.plug_in(folder, AGAIN) if one.hint is not None}


def test_a_sound_one_has_nothing_wrong(folder: Path) -> None:
    assert wrong(folder) == {}


def test_a_panel_without_qt_is_found_and_said_to_be_optional(
    folder: Path, python_without_qt: str
) -> None:
    launch = Launch(python=python_without_qt, models=folder)
    install.write_settings(folder, PluginInstall(folder, "entry.py", Paths(folder), launch))
    assert wrong(folder) == {}
    (panel,) = diagnosis.panel(folder)
    assert "PyQt" in panel.value
    assert "works without it" in str(panel.hint)


def test_another_version_is_to_be_installed_again(folder: Path) -> None:
    (folder / "pixelmend" / "__init__.py").unlink()
    assert wrong(folder) == {"plug-in": AGAIN}


def test_without_tasks_the_menu_is_empty(folder: Path) -> None:
    (folder / "tasks.json").write_text("{", encoding="utf-8")
    assert wrong(folder) == {"menu": AGAIN}


def test_without_settings_no_engine_is_known(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "nothing"))
    (folder / host.SETTINGS).unlink()
    assert wrong(folder) == {"engine": AGAIN}
