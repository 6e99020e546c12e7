"""What the user has decided once: kept whole, and a damaged file holds none of it."""

import os
from pathlib import Path

import pytest

from pixelmend.errors import OutputFailed
from pixelmend.paths import Paths
from pixelmend.preferences import Preferences, read, write


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data")
    assert read(paths) == Preferences("ask", frozenset())
    kept = Preferences("never", frozenset({"diffbir-v2.1", "diffbir-v2"}))
    write(paths, kept)
    assert read(paths) == kept
    if os.name == "posix":
        assert paths.home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        "null",
        '{"downloads": 3, "declined": "all"}',
        "[" * 100_000,
        '{"downloads": "no"}',
    ],
)
def test_a_damaged_file_decides_nothing(content: str, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.preferences.write_text(content, encoding="utf-8")
    assert read(paths) == Preferences()


def test_what_is_no_name_was_not_declined(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.preferences.write_text(
        '{"downloads": "always", "declined": ["one", 2, null]}', encoding="utf-8"
    )
    assert read(paths) == Preferences("always", frozenset({"one"}))


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match="can't be written"):
        write(Paths(tmp_path / "file" / "home"), Preferences())
