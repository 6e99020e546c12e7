"""The manifest is the truth about a batch, and stays one whatever happens to it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmend.errors import BadRequest, OutputFailed, WorkerDied
from pixelmend_engine.batch import manifest
from pixelmend_engine.batch.manifest import DamagedManifest, Manifest
from pixelmend_engine.batch.records import Outcome, SourcePicture


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / manifest.FOLDER / manifest.NAME


@pytest.fixture
def book(place: Path) -> Iterator[Manifest]:
    with Manifest(place) as opened:
        yield opened


def listed(*names: str, modified: str = "1", size: int = 5) -> list[SourcePicture]:
    return [
        SourcePicture(
            address=name, result=name, result_key=name, size_bytes=size, modified=modified
        )
        for name in names
    ]


def absent(name: str) -> bool:
    return False


def present(name: str) -> bool:
    return True


def state(book: Manifest, name: str) -> str:
    return next(row["state"] for row in book.rows("address = ?", (name,)))


def do_all(book: Manifest, key: str = "key") -> list[str]:
    done: list[str] = []
    with book.transaction():
        for lease in book.lease("w", 100, absent):
            done.append(lease.address)
            book.finish(Outcome(id=lease.id, state="done", content="c", pixels=4), "w", key)
    return done


def test_what_is_done_is_done_once(book: Manifest) -> None:
    book.list_pictures(listed("a", "b"), book.begin_run(fresh=False), "key")
    assert do_all(book) == ["a", "b"]
    book.list_pictures(listed("a", "b", "c"), book.begin_run(fresh=False), "key")
    assert do_all(book) == ["c"]
    assert book.totals().done == 3


@pytest.mark.parametrize(
    ("again", "key"),
    [
        (listed("a", modified="2"), "key"),
        (listed("a", size=6), "key"),
        (listed("a"), "other options"),
    ],
)
def test_what_has_changed_is_done_again(
    book: Manifest, again: list[SourcePicture], key: str
) -> None:
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    do_all(book)
    book.list_pictures(again, book.begin_run(fresh=False), key)
    (lease,) = book.lease("w", 9, present)
    assert lease.replaces
    assert lease.content == ("c" if key == "key" else None)  # it may be the same still


def test_everything_is_done_again_where_that_is_asked_for(book: Manifest) -> None:
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    do_all(book)
    book.list_pictures(listed("a"), book.begin_run(fresh=True), "key")
    (lease,) = book.lease("w", 9, present)
    assert (lease.replaces, lease.content) == (True, None)


def test_what_a_killed_run_had_in_hand_waits_again_and_is_ours(book: Manifest) -> None:
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    book.lease("w", 9, absent)
    assert state(book, "a") == "running"
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    (lease,) = book.lease("w", 9, present)
    assert lease.replaces


def test_a_file_that_is_not_ours_is_never_replaced(book: Manifest) -> None:
    for _ in range(2):  # nor the next time
        book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
        assert book.lease("w", 9, present) == []
        (row,) = book.rows()
        assert (row["state"], row["code"]) == ("failed", "output-exists")


def test_a_file_that_came_meanwhile_is_not_ours_either(book: Manifest) -> None:
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    (lease,) = book.lease("w", 9, absent)
    book.finish(Outcome(id=lease.id, state="failed", code="output-exists"), "w", "key")
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    assert book.lease("w", 9, present) == []


def test_two_pictures_with_one_results_name(book: Manifest) -> None:
    pictures = [
        SourcePicture(address=name, result=name, result_key="a.jpg", size_bytes=1, modified="1")
        for name in ("A.jpg", "a.jpg")
    ]
    run = book.begin_run(fresh=False)
    (refused,) = book.list_pictures(pictures, run, "key")
    assert refused.address == "a.jpg"
    book.list_failed(refused, run, BadRequest("Two of one name", hint="Rename"))
    assert (state(book, "A.jpg"), state(book, "a.jpg")) == ("waiting", "failed")


def test_who_breaks_workers_is_alone_and_fails_in_the_end(book: Manifest) -> None:
    book.list_pictures(listed("a", "b"), book.begin_run(fresh=False), "key")
    (first, second) = book.lease("w", 9, absent)
    book.give_back([first.id, second.id], broke=True)
    assert book.lease("w", 9, absent) == []
    (alone,) = book.lease("w", 1, absent, alone=True)
    book.give_back([alone.id], tried=True, broke=True)
    error = WorkerDied("It ended", hint="Look")
    assert book.fail_exhausted(1, error) == 0
    assert book.fail_exhausted(0, error) == 1
    assert (state(book, "a"), state(book, "b")) == ("failed", "waiting")


def test_names_that_are_no_text(book: Manifest) -> None:
    name = "caf\udce9.jpg"  # Latin-1 on a disk that is read as UTF-8
    run = book.begin_run(fresh=False)
    assert book.list_pictures(listed(name, "ü" * 120 + ".jpg"), run, "key") == []
    assert book.lease("w", 9, absent)[0].address == name


def test_pictures_that_are_gone_are_forgotten_unless_they_are_done(book: Manifest) -> None:
    book.list_pictures(listed("a"), book.begin_run(fresh=False), "key")
    do_all(book)
    book.list_pictures(listed("b"), book.begin_run(fresh=False), "key")
    run = book.begin_run(fresh=False)
    book.list_pictures(listed("c"), run, "key")
    assert book.end_listing(run) == 1
    assert [row["address"] for row in book.rows()] == ["a", "c"]


def test_one_process_at_a_time(place: Path, book: Manifest) -> None:
    with pytest.raises(BadRequest, match="Another `pixelmend batch` works"):
        Manifest(place)


def test_a_process_that_was_killed_leaves_what_it_had_written(place: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.records import SourcePicture, Outcome
book = Manifest(Path({str(place)!r}))
run = book.begin_run(fresh=False)
for name in "ab":
    picture = SourcePicture(address=name, result=name, result_key=name, size_bytes=1, modified="1")
    book.list_pictures([picture], run, "key")
lease, _ = book.lease("w", 9, lambda name: False)
with book.transaction():
    book.finish(Outcome(id=lease.id, state="done"), "w", "key")
book._database.execute("BEGIN")
book._database.execute("DELETE FROM pictures")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    with Manifest(place) as book:
        assert (state(book, "a"), state(book, "b")) == ("done", "running")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_one_is_said_to_be_and_kept(content: bytes, place: Path) -> None:
    place.parent.mkdir()
    place.write_bytes(content)
    with pytest.raises(DamagedManifest):
        Manifest(place)
    aside = manifest.set_aside(place)
    assert aside.read_bytes() == content
    Manifest(place).close()


def test_one_of_a_newer_version_is_refused(place: Path) -> None:
    Manifest(place).close()
    with sqlite3.connect(place) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(BadRequest, match="newer Pixelmend"):
        Manifest(place)


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match="can't be written to"):
        Manifest(tmp_path / "file" / manifest.FOLDER / manifest.NAME)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak so")
def test_two_hundred_thousand_pictures_take_little_memory(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from pixelmend_engine.batch import head
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.storage import Entry
class Listing:
    def pictures(self):
        for number in range(200_000):
            name = f"{{number // 1000}}/a picture with a name of some length {{number}}.jpg"
            yield Entry(name, 1, "1")
book = Manifest(Path({str(tmp_path)!r}) / "x" / "batch.sqlite")
run = book.begin_run(fresh=False)
for _ in head.list_all(book, Listing(), run, "key", ignores_case=False):
    pass
assert book.totals().waiting == 200_000
status = Path("/proc/self/status").read_text()  # what getrusage says has the parent's peak in it
print(status.partition("VmHWM:")[2].split()[0])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 300_000  # kilobytes
