"""What is found where the docker is missing."""

import sys
from pathlib import Path

import pytest

from pixelmend.client.launch import Launch
from pixelmend.finding import Finding
from pixelmend.paths import Paths
from pixelmend_cli.setup import krita, krita_diagnosis, kritarc
from pixelmend_cli.setup.install import Computer
from pixelmend_cli.setup.krita import NAME


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """A computer where Krita was started, and is not on the path."""
    (tmp_path / ".local" / "share" / "krita").mkdir(parents=True)
    return Computer(environ={"PATH": ""}, platform="linux", home=tmp_path)


@pytest.fixture
def folder(computer: Computer, tmp_path: Path) -> Path:
    """The docker, installed there."""
    launch = Launch(python=sys.executable, models=tmp_path)
    tasks: list[object] = [{"id": "deblur", "title": "Deblur"}]
    return krita.install_plugin(computer, Paths(tmp_path), launch, tasks)[0]


def wrong(computer: Computer) -> list[str]:
    return [one.name for one in krita_diagnosis.examine(computer) if one.hint is not None]


def finding_of(computer: Computer, name: str) -> Finding:
    return next(one for one in krita_diagnosis.examine(computer) if one.name == name)


def test_a_sound_installation_has_nothing_wrong(computer: Computer, folder: Path) -> None:
    assert wrong(computer) == []
    assert finding_of(computer, "menu").value == "deblur"
    assert finding_of(computer, "enabled").value.startswith("yes")


def test_a_computer_without_krita_says_where_it_looked(tmp_path: Path) -> None:
    nothing = Computer(environ={"PATH": ""}, platform="linux", home=tmp_path)
    assert str(tmp_path / ".local" / "share" / "krita") in finding_of(nothing, "folders").value


def test_a_missing_docker_is_found(computer: Computer) -> None:
    assert wrong(computer) == ["plug-in"]
    assert "pixelmend setup krita" in str(finding_of(computer, "plug-in").hint)


def test_a_missing_registration_is_found(computer: Computer, folder: Path) -> None:
    folder.with_suffix(".desktop").unlink()
    assert wrong(computer) == ["plug-in"]


def test_a_docker_that_is_switched_off_is_found(
    computer: Computer, folder: Path, tmp_path: Path
) -> None:
    kritarc.disable(tmp_path / ".config" / "kritarc", NAME)
    assert wrong(computer) == ["enabled"]
    assert "Python Plugin Manager" in str(finding_of(computer, "enabled").hint)
