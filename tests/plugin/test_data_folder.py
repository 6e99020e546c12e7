"""The data folder and its logs: the user's alone, and never without end."""

import logging
import os
import sys
from pathlib import Path

import pytest

from pixelmend import data_folder
from pixelmend.errors import EngineUnavailable
from pixelmend.paths import Paths

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")


def mode(path: Path) -> int:
    """Returns the permissions of a file."""
    return path.stat().st_mode & 0o777


@posix
def test_it_is_made_for_the_user_alone(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "share" / "pixelmend")
    before = os.umask(0o022)
    try:
        data_folder.make(paths)
    finally:
        os.umask(before)
    assert mode(paths.home) == 0o700
    assert list(paths.home.iterdir()) == []


@posix
def test_one_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    data_folder.make(Paths(tmp_path))
    assert mode(tmp_path) == 0o750


@posix
def test_logs_are_the_users_alone_also_those_of_before(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    for log in (paths.start_log, paths.front_end_log, paths.log):
        log.touch(0o644)
    data_folder.open_log(paths.start_log, anew=True).close()
    data_folder.open_log(paths.front_end_log).close()
    data_folder.LogFile(paths.log).close()
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_a_log_is_appended_to_and_rotated(tmp_path: Path) -> None:
    log = tmp_path / "front-end.log"
    for number in range(10):
        with data_folder.open_log(log) as file:
            file.write(f"{number}\n".encode() * 200_000)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert len(sizes) == 1 + data_folder.OLD_LOGS
    assert max(sizes.values()) < 2 * data_folder.LOG_BYTES
    assert log.read_bytes().endswith(b"9\n")


def test_what_a_process_says_is_bounded_while_it_says_it(tmp_path: Path) -> None:
    log = tmp_path / "engine.start"
    with data_folder.open_log(log, anew=True) as file:
        for number in range(40):
            file.write(f"{number:09}\n".encode() * 10_000)
            file.flush()
            data_folder.bound(log)
    assert log.stat().st_size <= data_folder.LOG_BYTES
    lines = log.read_text().splitlines()
    assert lines == sorted(lines)
    assert lines[-1] == "000000039"


@posix
def test_rotated_logs_are_the_users_alone(tmp_path: Path) -> None:
    handler = data_folder.LogFile(tmp_path / "engine.log")
    before = os.umask(0o022)
    try:
        for _ in range(30):
            record = logging.LogRecord("n", logging.INFO, "", 1, "x" * 100_000, (), None)
            handler.emit(record)
    finally:
        os.umask(before)
        handler.close()
    assert len(list(tmp_path.iterdir())) == 1 + data_folder.OLD_LOGS
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


@posix
def test_a_device_is_not_made_private(tmp_path: Path) -> None:
    null = tmp_path / "front-end.log"
    null.symlink_to("/dev/null")
    before = mode(Path("/dev/null"))
    data_folder.open_log(null).close()
    assert mode(Path("/dev/null")) == before


def test_a_report_has_the_traceback_and_acts_on_nothing(tmp_path: Path) -> None:
    error = ValueError("\x1b[2J")
    log = data_folder.report(Paths(tmp_path / "home"), error)
    assert "ValueError: \\x1b[2J" in log.read_text()


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(EngineUnavailable, match="data folder can't be written to") as raised:
        data_folder.check(Paths(tmp_path / "home"))
    assert str(tmp_path / "home") in raised.value.message
    assert "PIXELMEND_HOME" in raised.value.hint


def test_to_check_it_leaves_nothing(tmp_path: Path) -> None:
    data_folder.check(Paths(tmp_path))
    assert list(tmp_path.iterdir()) == []
