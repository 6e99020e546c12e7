"""What is found where the menu is missing."""

import os
import sys
from pathlib import Path

import pytest

from pixelmend.client.launch import Launch
from pixelmend.finding import Finding
from pixelmend.host import host
from pixelmend.paths import Paths
from pixelmend_cli.setup import gimp, gimp_diagnosis
from pixelmend_cli.setup.install import Computer


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """A computer with a profile and no GIMP on the path."""
    (tmp_path / ".config" / "GIMP" / "3.0").mkdir(parents=True)
    return Computer(environ={"PATH": ""}, platform="linux", home=tmp_path)


@pytest.fixture
def folder(computer: Computer, tmp_path: Path) -> Path:
    """The plug-in, installed there."""
    launch = Launch(python=sys.executable, models=tmp_path)
    tasks: list[object] = [{"id": "deblur"}]
    return gimp.install_plugin(computer, Paths(tmp_path), launch, tasks)[0]


def wrong(computer: Computer) -> list[str]:
    return [
        finding.name for finding in gimp_diagnosis.examine(computer) if finding.hint is not None
    ]


def finding_of(computer: Computer, name: str) -> Finding:
    return next(finding for finding in gimp_diagnosis.examine(computer) if finding.name == name)


def test_a_sound_installation_has_nothing_wrong(computer: Computer, folder: Path) -> None:
    assert wrong(computer) == []
    assert finding_of(computer, "menu").value == "deblur"


def test_a_computer_without_profiles_says_where_it_looked(tmp_path: Path) -> None:
    finding = finding_of(
        Computer(environ={"PATH": ""}, platform="linux", home=tmp_path), "profiles"
    )
    assert str(tmp_path / ".config" / "GIMP") in finding.value


def test_a_missing_plug_in_is_found(computer: Computer) -> None:
    assert finding_of(computer, "plug-in").value.startswith("missing")
    assert "pixelmend setup gimp" in str(finding_of(computer, "plug-in").hint)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no executable bit")
def test_a_script_that_can_not_be_executed_is_found(computer: Computer, folder: Path) -> None:
    (folder / gimp.SCRIPT).chmod(0o644)
    assert finding_of(computer, "plug-in").value.startswith("not executable")


def test_another_version_is_found(computer: Computer, folder: Path) -> None:
    (folder / "pixelmend" / "__init__.py").write_text('__version__ = "0.0.1"\n', encoding="utf-8")
    assert finding_of(computer, "plug-in").value == "version 0.0.1"


def test_an_empty_menu_is_found(computer: Computer, folder: Path) -> None:
    (folder / "tasks.json").unlink()
    assert wrong(computer) == ["menu"]


def test_settings_that_are_gone_are_found(computer: Computer, folder: Path) -> None:
    (folder / host.SETTINGS).unlink()
    assert wrong(computer) == ["engine"]


def test_a_python_that_is_gone_is_found(computer: Computer, folder: Path) -> None:
    settings = folder / host.SETTINGS
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(sys.executable, str(folder / "gone")), encoding="utf-8")
    assert wrong(computer) == ["engine", "panel"]


def test_a_gimp_that_passed_over_it_is_found(computer: Computer, folder: Path) -> None:
    assert finding_of(computer, "registered").value.startswith("not yet")
    register = folder.parents[1] / "pluginrc"
    register.write_text("(plug-in-def other.py)", encoding="utf-8")
    os.utime(folder / gimp.SCRIPT, (0, 0))
    assert finding_of(computer, "registered").value.startswith("no")
    register.write_text(f"(plug-in-def {gimp.SCRIPT})", encoding="utf-8")
    assert finding_of(computer, "registered").value == "yes"
