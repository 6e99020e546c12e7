"""The folder of models: for whom it is, all in it is, whatever who installs has for a umask."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmend_engine.weights import models_folder
from pixelmend_engine.weights.records import Record, Records

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")


@pytest.fixture(params=[0o077, 0o022, 0o000], ids=oct, autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The umask of the engine, of most users, and none."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    """Returns the permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("shared", "file_mode"),
    [(0o700, 0o600), (0o755, 0o644), (0o750, 0o640), (0o2775, 0o664), (0o1777, 0o664)],
    ids=oct,
)
def test_what_comes_into_it_takes_its_permissions(
    shared: int, file_mode: int, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    models.chmod(shared)
    folder = models_folder.make_inside(models, "one", "two")
    file = folder / "weights"
    file.touch()
    models_folder.share(file, models)
    assert (mode(models / "one"), mode(folder), mode(file)) == (shared, shared, file_mode)
    Records(models).put("x", Record(source="somewhere"))
    assert mode(models / "records") == shared
    assert mode(models / "records" / "x.json") == file_mode


def test_where_it_is_missing_it_is_for_those_around_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    models_folder.make(tmp_path / "models")
    assert mode(tmp_path / "models") == 0o755
    private = tmp_path / "private"
    private.mkdir()
    private.chmod(0o700)
    models_folder.make(private / "models")
    assert mode(private / "models") == 0o700


def test_what_was_missing_around_it_is_the_users_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    models_folder.make(tmp_path / "share" / "pixelmend" / "models")
    assert mode(tmp_path / "share") == 0o700
    assert mode(tmp_path / "share" / "pixelmend") == 0o700
    assert mode(tmp_path / "share" / "pixelmend" / "models") == 0o700


def test_one_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    models_folder.make(tmp_path)
    assert mode(tmp_path) == 0o711


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs root")
def test_what_comes_into_it_takes_its_group(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    models.chmod(0o750)
    os.chown(models, -1, 4711)
    file = models_folder.make_inside(models, "one") / "weights"
    file.touch()
    models_folder.share(file, models)
    assert {path.stat().st_gid for path in (file, file.parent)} == {4711}
    assert mode(file) == 0o640


def test_a_lock_can_be_taken_by_who_may_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    assert models_folder.lock_mode(tmp_path) == 0o664
    tmp_path.chmod(0o755)
    assert models_folder.lock_mode(tmp_path) == 0o644
