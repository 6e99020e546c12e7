"""A plug-in appears whole or not at all."""

from pathlib import Path

import pytest

from pixelmend.client.launch import Launch
from pixelmend.errors import EditorMissing
from pixelmend.host import host
from pixelmend.host.host import PluginInstall
from pixelmend.paths import Paths
from pixelmend.presentation import task_cache
from pixelmend_cli.setup import install


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    target = tmp_path / "editor" / "plug-in"
    target.mkdir(parents=True)
    (target / "old.py").touch()
    with install.replace_folder(target, tmp_path) as folder:
        (folder / "new.py").touch()
        assert (target / "old.py").exists()
    assert [path.name for path in target.iterdir()] == ["new.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["editor"]


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "plug-in"
    target.mkdir()
    (target / "old.py").touch()
    with (
        pytest.raises(EditorMissing, match="can't be written"),
        install.replace_folder(target, tmp_path) as folder,
    ):
        (folder / "missing" / "new.py").touch()
    assert (target / "old.py").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["plug-in"]


def test_what_every_plug_in_has(tmp_path: Path) -> None:
    install.copy_shared(tmp_path, [{"id": "deblur"}], panel=False)
    copied = tmp_path / "pixelmend"
    modules = {path.relative_to(copied) for path in copied.rglob("*.py")}
    assert modules == set(install.modules(panel=False))
    assert {Path("wire.py"), Path("host/host.py")} <= modules
    assert Path("__main__.py") not in modules
    assert task_cache.read(tmp_path) == [{"id": "deblur"}]
    assert list((tmp_path / "locale").rglob("*.mo"))


def test_where_the_engine_is_can_be_read_again(tmp_path: Path) -> None:
    launch = Launch(python="/opt/Jürgen/python", models=tmp_path / "models")
    engine = PluginInstall(tmp_path, "entry.py", Paths(tmp_path), launch)
    install.write_settings(tmp_path, engine)
    assert host.read_install(tmp_path) == engine


def test_sources_are_those_of_the_editor() -> None:
    assert (install.sources("gimp", "pixelmend-restore") / "pixelmend-restore.py").is_file()
    assert (install.sources("krita", "pixelmend_krita") / "docker.py").is_file()


def test_what_can_not_be_removed_is_told(tmp_path: Path) -> None:
    with pytest.raises(EditorMissing, match="can't be removed"):
        install.remove(tmp_path / "missing")
