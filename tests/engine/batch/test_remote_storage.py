"""Addresses are trees of files as folders are."""

import dataclasses
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest
from batches import inverting
from fsspec.implementations.memory import (  # pyright: ignore[reportMissingTypeStubs]
    MemoryFileSystem,
)

from pixelmend.errors import BadRequest, OutputExists, PackageMissing, StorageFailed
from pixelmend_engine.batch import listing, remote_storage
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.picture_restorer import PictureRestorer
from pixelmend_engine.batch.records import Lease
from pixelmend_engine.batch.remote_storage import RemoteStorage
from pixelmend_engine.batch.storage import Unread, open_storage


@pytest.fixture
def bucket(source: Path) -> Iterator[str]:
    """The pictures behind an address."""
    files = fsspec.filesystem("memory")
    files.put(f"{source}/", "/bucket/scans", recursive=True)
    files.pipe("/bucket/scans/.hidden/x.png", b"")
    files.pipe("/bucket/scans/notes.txt", b"")
    yield "memory://bucket/scans"
    files.rm("/bucket", recursive=True)


def test_an_address_is_walked(bucket: str) -> None:
    found = listing.open_listing(bucket, "memory://bucket/results")
    assert sorted(entry.address for entry in found.pictures()) == ["a.png", "b.png", "folder/c.png"]
    assert found.others == {".txt": 1}


def test_a_pattern_of_an_address(bucket: str) -> None:
    found = listing.open_listing(f"{bucket}/**/*.png", "memory://bucket/results")
    assert [entry.address for entry in found.pictures()][-2:] == ["b.png", "folder/c.png"]
    with pytest.raises(BadRequest, match="No file fits"):
        listing.open_listing(f"{bucket}/*.webp", "memory://bucket/results")


def test_pictures_are_read_from_and_written_to_an_address(job: BatchJob, bucket: str) -> None:
    remote = dataclasses.replace(job, source=bucket, target="memory://bucket/results")
    lease = Lease(id=1, address="folder/c.png", result="folder/c.png", replaces=False, content=None)
    restorer = PictureRestorer(remote, inverting(remote))
    outcome = restorer.restore(lease)
    assert outcome.state == "done", outcome.message
    results = open_storage("memory://bucket/results")
    assert isinstance(results, RemoteStorage)
    assert [entry.address for entry in results.walk(Unread())] == ["folder/c.png"]
    assert results.exists("folder/c.png")
    assert restorer.restore(lease).code == "output-exists"
    again = dataclasses.replace(lease, replaces=True, content=outcome.content)
    assert restorer.restore(again).unchanged


def test_what_is_not_there(bucket: str) -> None:
    storage = RemoteStorage(bucket)
    assert storage.entry("nothing.png") is None
    assert storage.entry("folder") is None
    entry = storage.entry("a.png")
    assert entry is not None
    assert entry.modified
    with pytest.raises(StorageFailed, match="nothing at"), storage.fetch("nothing.png"):
        pass
    with pytest.raises(StorageFailed, match="nothing at"):
        next(RemoteStorage("memory://bucket/none").walk(Unread()))
    with pytest.raises(OutputExists), storage.store("a.png", overwrite=False):
        pass


def test_a_full_disk_on_the_way_is_wrong_with_all_pictures(
    job: BatchJob, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    lease = Lease(id=1, address="a.png", result="a.png", replaces=False, content=None)
    remote = dataclasses.replace(job, source=bucket, target="memory://bucket/results")
    for place, name in ((MemoryFileSystem, "get_file"), (tempfile, "TemporaryDirectory")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, full)
            outcome = PictureRestorer(remote, inverting(remote)).restore(lease)
        assert (outcome.code, outcome.fatal) == ("disk-full", True)
        assert "No space left on device" in str(outcome.message)
        assert "TMPDIR" in str(outcome.hint)
    assert PictureRestorer(remote, inverting(remote)).restore(lease).state == "done"


def test_addresses_that_nobody_reads() -> None:
    with pytest.raises(BadRequest, match="no addresses such as"):
        remote_storage.connect("nonsense://x")
    with pytest.raises(PackageMissing, match="can't be read here"):
        remote_storage.connect("dropbox://x")
