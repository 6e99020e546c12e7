"""Where the docker goes, in homes made up for it."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pixelmend.client.launch import Launch
from pixelmend.errors import EditorMissing, OutputFailed
from pixelmend.host import host
from pixelmend.paths import Paths
from pixelmend.presentation import task_cache
from pixelmend_cli.setup import install, krita, kritarc
from pixelmend_cli.setup.install import Computer
from pixelmend_cli.setup.krita import NAME, Place

TASKS: list[object] = [{"id": "deblur", "title": "Deblur & more"}]
Put = Callable[[Computer], list[Path]]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Installs the docker on a computer."""
    launch = Launch(python=sys.executable, models=tmp_path / "models")
    return lambda computer: krita.install_plugin(computer, Paths(tmp_path / "data"), launch, TASKS)


def computer(home: Path, platform: str = "linux", **environ: str) -> Computer:
    return Computer(environ=environ, platform=platform, home=home)


@pytest.fixture
def used(tmp_path: Path) -> Computer:
    """A computer where Krita was started before."""
    (tmp_path / ".local" / "share" / "krita").mkdir(parents=True)
    return computer(tmp_path)


@pytest.mark.parametrize(
    ("platform", "folder", "settings"),
    [
        ("linux", ".local/share/krita", ".config/kritarc"),
        (
            "linux",
            ".var/app/org.kde.krita/data/krita",
            ".var/app/org.kde.krita/config/kritarc",
        ),
        ("win32", "AppData/Roaming/krita", "AppData/Local/kritarc"),
        ("darwin", "Library/Application Support/krita", "Library/Preferences/kritarc"),
    ],
)
def test_folders_are_found_wherever_packages_put_them(
    tmp_path: Path, platform: str, folder: str, settings: str
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    places = krita.places(computer(tmp_path, platform))
    assert places == [Place(tmp_path / folder, tmp_path / settings)]


def test_the_store_of_windows_has_a_folder_of_its_own(tmp_path: Path) -> None:
    packages = tmp_path / "AppData" / "Local" / "Packages"
    folder = packages / "49800Krita_x" / "LocalCache" / "Roaming" / "krita"
    folder.mkdir(parents=True)
    assert krita.places(computer(tmp_path, "win32")) == [Place(folder, None)]


def test_variables_are_honored(tmp_path: Path) -> None:
    (tmp_path / "data" / "krita").mkdir(parents=True)
    environ = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "etc")}
    places = krita.places(computer(tmp_path, **environ))
    assert places == [Place(tmp_path / "data" / "krita", tmp_path / "etc" / "kritarc")]


def test_a_folder_that_the_user_moved_is_followed(tmp_path: Path, put: Put) -> None:
    settings = tmp_path / ".config" / "kritarc"
    settings.parent.mkdir()
    settings.write_text(f"ResourceDirectory={tmp_path / 'brushes'}\n", encoding="utf-8")
    assert put(computer(tmp_path)) == [tmp_path / "brushes" / "pykrita" / NAME]


def test_all_that_the_docker_needs_is_there(tmp_path: Path, used: Computer, put: Put) -> None:
    (folder,) = put(used)
    resources = tmp_path / ".local" / "share" / "krita"
    assert folder == resources / "pykrita" / NAME
    assert (resources / "pykrita" / f"{NAME}.desktop").is_file()
    assert (folder / "Manual.html").is_file()
    assert (folder / "__init__.py").is_file()
    assert task_cache.read(folder) == TASKS
    assert host.read_install(folder).launch.python == sys.executable
    copied = folder / "pixelmend"
    modules = sorted(path.relative_to(copied) for path in copied.rglob("*.py"))
    assert modules == install.modules(panel=True)
    assert Path("panel/docker_panel.py") in modules
    assert (folder / "locale" / "de" / "LC_MESSAGES" / "pixelmend-restore.mo").is_file()
    assert kritarc.enabled(tmp_path / ".config" / "kritarc", NAME)


def test_every_task_has_an_action(tmp_path: Path, used: Computer, put: Put) -> None:
    put(used)
    file = tmp_path / ".local" / "share" / "krita" / "actions" / f"{NAME}.action"
    actions = {
        one.get("name"): one.findtext("text") for one in ElementTree.parse(file).iter("Action")
    }
    assert actions["pixelmend_task_deblur"] == "Pixelmend: Deblur & more"
    assert {"pixelmend_show", "pixelmend_restore", "pixelmend_cancel"} <= actions.keys()


def test_an_update_replaces_all_of_it(used: Computer, put: Put) -> None:
    (folder,) = put(used)
    (folder / "old.py").touch()
    assert put(used) == [folder]
    assert not (folder / "old.py").exists()
    assert not list(folder.parents[1].glob("*.part"))


def test_what_is_removed_is_gone(tmp_path: Path, used: Computer, put: Put) -> None:
    folders = put(used)
    assert krita.remove_plugin(used) == folders
    resources = tmp_path / ".local" / "share" / "krita"
    assert [path for path in resources.rglob("*") if path.is_file()] == []
    assert not kritarc.enabled(tmp_path / ".config" / "kritarc", NAME)
    assert krita.remove_plugin(used) == []


def test_a_krita_that_was_never_started_gets_a_folder(tmp_path: Path, put: Put) -> None:
    program = tmp_path / "bin" / "krita"
    program.parent.mkdir()
    program.touch(mode=0o755)
    (folder,) = put(computer(tmp_path, PATH=str(program.parent)))
    assert folder.is_relative_to(tmp_path / ".local" / "share" / "krita")


def test_without_krita_there_is_something_to_do(tmp_path: Path, put: Put) -> None:
    with pytest.raises(EditorMissing, match="No Krita") as raised:
        put(computer(tmp_path, PATH=""))
    assert "pixelmend setup krita" in raised.value.hint


@pytest.mark.parametrize("name", ["pykrita", "actions"])
def test_a_file_that_is_in_the_way_is_told(
    tmp_path: Path, used: Computer, put: Put, name: str
) -> None:
    (tmp_path / ".local" / "share" / "krita" / name).touch()
    with pytest.raises(EditorMissing, match="can't be written"):
        put(used)


def test_the_file_for_kritas_importer_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "new" / "pixelmend-krita.zip"
    krita.write_zip(file, TASKS)
    names = zipfile.ZipFile(file).namelist()
    assert {f"{NAME}.desktop", f"{NAME}.action", f"{NAME}/__init__.py"} <= set(names)
    modules = install.modules(panel=True)
    assert {f"{NAME}/pixelmend/{module.as_posix()}" for module in modules} <= set(names)
    assert f"{NAME}/{host.SETTINGS}" not in names  # nothing of this computer is in it
    for name in names:
        assert str(Path.home()).encode() not in zipfile.ZipFile(file).read(name)


def test_a_docker_that_came_in_a_file_finds_what_setup_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "data"))
    launch = Launch(python=sys.executable, models=tmp_path / "models")
    krita.record_install(Paths(tmp_path / "data"), launch)
    engine = host.read_install(tmp_path)
    assert (engine.launch, engine.paths) == (launch, Paths(tmp_path / "data"))


def test_a_file_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed):
        krita.write_zip(tmp_path / "file" / "new" / "krita.zip", TASKS)
