"""A result is there whole, or what was there before is."""

import os
import sys
from pathlib import Path

import pytest

from pixelmend.atomic import replacing
from pixelmend.errors import OutputExists, OutputFailed


def test_replacing_leaves_no_trace_of_failed_work(tmp_path: Path) -> None:
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there")

    def work() -> None:
        with replacing(target, overwrite=True) as temporary:
            temporary.write_bytes(b"half a pic")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert target.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "result.png"

    def work() -> None:
        with replacing(target, overwrite=False) as temporary:
            temporary.write_bytes(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(OutputExists):
        work()
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    with replacing(tmp_path / "link.png", overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


def test_a_name_too_long_for_the_disk_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputFailed, match="can't be written"),
        replacing(tmp_path / ("n" * 300 + ".png"), overwrite=False),
    ):
        pass


def test_replacing_is_refused_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there")
    with pytest.raises(OutputExists), replacing(target, overwrite=False):
        pass
    with replacing(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions there are no bits")
def test_results_get_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "result.png", overwrite=False) as temporary:
            temporary.write_bytes(b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "result.png").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_found_before_the_work(tmp_path: Path) -> None:
    worked = False
    with (
        pytest.raises(OutputFailed, match="can't be written"),
        replacing(tmp_path / "nowhere" / "result.png", overwrite=False),
    ):
        worked = True
    assert not worked
