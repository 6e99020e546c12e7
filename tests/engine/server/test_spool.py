"""Waiting pictures have room in memory, then on disk, then none."""

import os
import sys
from pathlib import Path

import pytest

from pixelmend.errors import SpoolFull
from pixelmend_engine.server.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool", memory_bytes=100)
    made.clear()
    return made


@pytest.mark.parametrize("size", [60, 1000])
def test_what_was_written_is_read(size: int, spool: Spool) -> None:
    buffer = spool.buffer(size)
    assert buffer.in_memory == (size == 60)
    buffer.write(b"a" * 10)
    assert not buffer.complete
    buffer.write(memoryview(b"b" * (size - 10)))
    assert buffer.complete
    assert bytes(buffer.view()) == b"a" * 10 + b"b" * (size - 10)
    buffer.drop()
    buffer.drop()


def test_memory_that_is_given_back_is_used_again(spool: Spool) -> None:
    first, second = spool.buffer(60), spool.buffer(60)
    assert (first.in_memory, second.in_memory) == (True, False)
    first.drop()
    assert spool.buffer(60).in_memory
    second.drop()


def test_no_more_is_taken_than_was_asked_for(spool: Spool) -> None:
    with pytest.raises(ValueError, match="more is written"):
        spool.buffer(5).write(b"123456")


@pytest.mark.skipif(sys.platform == "win32", reason="open files have names there")
def test_what_is_on_disk_has_no_name_and_no_reader(spool: Spool, tmp_path: Path) -> None:
    buffer = spool.buffer(1000)
    assert list((tmp_path / "spool").iterdir()) == []
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    buffer.drop()


def test_a_view_outlives_its_slot(spool: Spool) -> None:
    buffer = spool.buffer(1000)
    buffer.write(bytes(1000))
    view = buffer.view()
    buffer.drop()
    assert view[999] == 0


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "nowhere", memory_bytes=0)
    with pytest.raises(SpoolFull, match=os.strerror(2)):
        spool.buffer(10)
