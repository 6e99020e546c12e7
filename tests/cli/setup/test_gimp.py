"""Where plug-ins go, in homes made up for it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmend.client.launch import Launch
from pixelmend.errors import EditorMissing
from pixelmend.host import host
from pixelmend.paths import Paths
from pixelmend.presentation import task_cache
from pixelmend_cli.setup import gimp as gimp_install
from pixelmend_cli.setup import install
from pixelmend_cli.setup.install import Computer

TASKS: list[object] = [{"id": "deblur"}]


@pytest.fixture
def put(tmp_path: Path) -> Callable[[Computer], list[Path]]:
    """Installs the plug-in on a computer."""
    launch = Launch(python=sys.executable, models=tmp_path / "models")
    return lambda computer: gimp_install.install_plugin(
        computer, Paths(tmp_path / "data"), launch, TASKS
    )


def computer(home: Path, platform: str = "linux", **environ: str) -> Computer:
    return Computer(environ=environ, platform=platform, home=home)


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".config/GIMP/3.0"),
        ("linux", ".config/GIMP/3.2"),
        ("linux", ".var/app/org.gimp.GIMP/config/GIMP/3.0"),
        ("win32", "AppData/Roaming/GIMP/3.0"),
        ("darwin", "Library/Application Support/GIMP/3.0"),
    ],
)
def test_profiles_are_found_wherever_packages_put_them(
    tmp_path: Path, platform: str, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert gimp_install.profiles(computer(tmp_path, platform)) == [tmp_path / folder]


def test_profiles_of_other_versions_are_left_alone(tmp_path: Path) -> None:
    for version in ("2.10", "3.0", "3.2", "4.0", "3.0-backup"):
        (tmp_path / ".config" / "GIMP" / version).mkdir(parents=True)
    profiles = gimp_install.profiles(computer(tmp_path))
    assert [profile.name for profile in profiles] == ["3.0", "3.2"]


def test_variables_are_honored(tmp_path: Path) -> None:
    (tmp_path / "config" / "GIMP" / "3.0").mkdir(parents=True)
    profiles = gimp_install.profiles(computer(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "config")))
    assert profiles == [tmp_path / "config" / "GIMP" / "3.0"]
    profiles = gimp_install.profiles(computer(tmp_path, GIMP3_DIRECTORY=str(tmp_path / "own")))
    assert profiles == [tmp_path / "own"]


def test_all_that_the_plug_in_needs_is_there(
    tmp_path: Path, put: Callable[[Computer], list[Path]]
) -> None:
    (tmp_path / ".config" / "GIMP" / "3.0").mkdir(parents=True)
    (folder,) = put(computer(tmp_path))
    assert folder == tmp_path / ".config" / "GIMP" / "3.0" / "plug-ins" / "pixelmend-restore"
    assert os.access(folder / "pixelmend-restore.py", os.X_OK)
    assert task_cache.read(folder) == TASKS
    assert host.read_install(folder).launch.python == sys.executable
    copied = folder / "pixelmend"
    modules = sorted(path.relative_to(copied) for path in copied.rglob("*.py"))
    assert modules == install.modules(panel=False)
    assert not (copied / "panel").exists()
    assert (folder / "locale" / "de" / "LC_MESSAGES" / "pixelmend-restore.mo").is_file()


def test_an_update_replaces_all_of_it(
    tmp_path: Path, put: Callable[[Computer], list[Path]]
) -> None:
    (tmp_path / ".config" / "GIMP" / "3.0").mkdir(parents=True)
    (folder,) = put(computer(tmp_path))
    (folder / "old.py").touch()
    assert put(computer(tmp_path)) == [folder]
    assert not (folder / "old.py").exists()
    assert sorted(path.name for path in folder.parent.parent.iterdir()) == ["plug-ins"]


def test_what_is_removed_is_gone(tmp_path: Path, put: Callable[[Computer], list[Path]]) -> None:
    (tmp_path / ".config" / "GIMP" / "3.0").mkdir(parents=True)
    folders = put(computer(tmp_path))
    assert gimp_install.installed(computer(tmp_path)) == folders
    assert gimp_install.remove_plugin(computer(tmp_path)) == folders
    assert gimp_install.installed(computer(tmp_path)) == []
    assert gimp_install.remove_plugin(computer(tmp_path)) == []


def gimp(folder: Path, version: str, profile: Path | None = None) -> str:
    """Makes a GIMP that knows its version, and makes its profile where it is started."""
    folder.mkdir()
    program = folder / "gimp-console"
    lines = ["#!/bin/sh", f"echo GNU Image Manipulation Program version {version}"]
    if profile is not None:
        lines.append(f"[ $1 = --version ] || (/bin/mkdir -p {profile} && echo > {profile}/gimprc)")
    program.write_text("\n".join(lines) + "\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.skipif(os.name == "nt", reason="the fake GIMP is a shell script")
def test_a_gimp_that_was_never_started_makes_its_profile_first(
    tmp_path: Path, put: Callable[[Computer], list[Path]]
) -> None:
    profile = tmp_path / ".config" / "GIMP" / "3.2"
    (folder,) = put(computer(tmp_path, PATH=gimp(tmp_path / "bin", "3.2.6", profile)))
    assert folder.is_relative_to(profile)
    assert (profile / "gimprc").exists()


@pytest.mark.skipif(os.name == "nt", reason="the fake GIMP is a shell script")
def test_where_gimp_makes_no_profile_the_user_has_to_start_it(
    tmp_path: Path, put: Callable[[Computer], list[Path]]
) -> None:
    with pytest.raises(EditorMissing, match="never started") as raised:
        put(computer(tmp_path, PATH=gimp(tmp_path / "bin", "3.2.6")))
    assert "Start GIMP once" in raised.value.hint
    assert not (tmp_path / ".config").exists()


@pytest.mark.skipif(os.name == "nt", reason="the fake GIMP is a shell script")
def test_an_older_gimp_is_named(tmp_path: Path, put: Callable[[Computer], list[Path]]) -> None:
    with pytest.raises(EditorMissing, match=r"version 2\.10\.36"):
        put(computer(tmp_path, PATH=gimp(tmp_path / "bin", "2.10.36")))


def test_without_gimp_there_is_something_to_do(
    tmp_path: Path, put: Callable[[Computer], list[Path]]
) -> None:
    with pytest.raises(EditorMissing, match="No GIMP 3") as raised:
        put(computer(tmp_path, PATH=""))
    assert "pixelmend setup gimp" in raised.value.hint


def test_a_folder_that_is_in_the_way_is_told(
    tmp_path: Path, put: Callable[[Computer], list[Path]]
) -> None:
    profile = tmp_path / ".config" / "GIMP" / "3.0"
    profile.mkdir(parents=True)
    (profile / "plug-ins").write_text("a file", encoding="utf-8")
    with pytest.raises(EditorMissing, match="can't be written"):
        put(computer(tmp_path))
    assert json.dumps(sorted(path.name for path in profile.iterdir())) == '["plug-ins"]'
