"""A result is there whole, or what was there before is."""

import os
import sys
from pathlib import Path

import pytest

from pixelmend.atomic import atomic_write, atomic_write_text
from pixelmend.errors import OutputExists, OutputFailed


def test_atomic_write_leaves_no_trace_of_failed_work(tmp_path: Path) -> None:
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there")

    def work() -> None:
        with atomic_write(target, overwrite=True) as temporary:
            temporary.write_bytes(b"half a pic")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert target.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "result.png"

    def work() -> None:
        with atomic_write(target, overwrite=False) as temporary:
            temporary.write_bytes(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(OutputExists):
        work()
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    with atomic_write(tmp_path / "link.png", overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


def test_a_name_too_long_for_the_disk_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputFailed, match="can't be written"),
        atomic_write(tmp_path / ("n" * 300 + ".png"), overwrite=False),
    ):
        pass


def test_replacing_is_refused_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there")
    with pytest.raises(OutputExists), atomic_write(target, overwrite=False):
        pass
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions there are no bits")
def test_results_get_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "result.png", overwrite=False) as temporary:
            temporary.write_bytes(b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "result.png").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_found_before_the_work(tmp_path: Path) -> None:
    worked = False
    with (
        pytest.raises(OutputFailed, match="can't be written"),
        atomic_write(tmp_path / "nowhere" / "result.png", overwrite=False),
    ):
        worked = True
    assert not worked


def test_our_own_files_are_written_whole_or_stay_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "engine.json"
    atomic_write_text(file, "first")
    (tmp_path / ".engine.json.part").write_text("of a process that was killed")
    atomic_write_text(file, "second, ä")
    assert file.read_text(encoding="utf-8") == "second, ä"
    with pytest.raises(UnicodeEncodeError):
        atomic_write_text(file, "half \ud800")
    assert file.read_text(encoding="utf-8") == "second, ä"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions there are no bits")
def test_a_secret_is_never_for_others(tmp_path: Path) -> None:
    (tmp_path / ".token.part").write_text("of a process that was killed")  # with other permissions
    atomic_write_text(tmp_path / "token", "secret", mode=0o600)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
