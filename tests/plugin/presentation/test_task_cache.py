"""The file that a menu is made from."""

import os
from pathlib import Path

from pixelmend.presentation import task_cache

TASKS = [{"id": "deblur"}]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    task_cache.write(tmp_path, TASKS)
    assert task_cache.read(tmp_path) == TASKS
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]


def test_a_missing_or_damaged_file_has_no_tasks(tmp_path: Path) -> None:
    assert task_cache.read(tmp_path) == []
    (tmp_path / "tasks.json").write_text("[{", encoding="utf-8")
    assert task_cache.read(tmp_path) == []
    (tmp_path / "tasks.json").write_text("{}", encoding="utf-8")
    assert task_cache.read(tmp_path) == []


def test_news_make_the_host_look_again(tmp_path: Path) -> None:
    entry = tmp_path / "entry.py"
    entry.touch()
    os.utime(entry, (0, 0))
    assert task_cache.refresh(tmp_path, TASKS, "entry.py")
    assert entry.stat().st_mtime > 0
    os.utime(entry, (0, 0))
    assert not task_cache.refresh(tmp_path, TASKS, "entry.py")
    assert entry.stat().st_mtime == 0


def test_a_folder_that_is_not_ours_to_write_stays_as_it_is(tmp_path: Path) -> None:
    assert task_cache.refresh(tmp_path / "missing", TASKS, "entry.py")
    assert list(tmp_path.iterdir()) == []
