"""A batch goes on where it stopped, however that was, and does nothing twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from batches import FACELESS, KILLS, STEP, picture, run

from pixelmend.errors import BadRequest, OutputFailed, UnknownModel
from pixelmend_engine.batch import manifest
from pixelmend_engine.batch.manifest import Manifest

PROCESS = Path(__file__).parents[1] / "batches.py"


def rows(target: Path) -> dict[str, dict[str, Any]]:
    with Manifest(target / manifest.FOLDER / manifest.NAME) as book:
        return {row["address"]: row for row in book.rows()}


def results(target: Path) -> dict[str, bytes]:
    return {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file() and manifest.FOLDER not in path.parts
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number in range(40):
        picture(tmp_path / "source" / f"{number % 4}" / f"{number}.png", number=number)
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.mark.slow  # ten times, from the start of Python on
def test_killed_at_any_moment_it_goes_on(
    source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVERTING_S", "0.03")
    undisturbed = tmp_path / "undisturbed"
    assert run(source, undisturbed) == 0
    finished: dict[str, float] = {}
    moments = random.Random(4)
    for _ in range(10):
        command = [sys.executable, str(PROCESS), str(source), str(target)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.3, 2.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (target / manifest.FOLDER / manifest.NAME).exists():
            done = {name: row for name, row in rows(target).items() if row["state"] == "done"}
            now = {name: row["finished_at"] for name, row in done.items()}
            assert finished.items() <= now.items()  # what is done is done once
            finished = now
    assert run(source, target, resume=True) == 0
    assert results(target) == results(undisturbed)
    after = rows(target)
    assert finished.items() <= {name: row["finished_at"] for name, row in after.items()}.items()
    assert {row["state"] for row in after.values()} == {"done"}


def test_ctrl_c_finishes_what_is_in_hand(source: Path, target: Path) -> None:
    environ = {**os.environ, "INVERTING_S": "0.2"}
    command = [sys.executable, str(PROCESS), str(source), str(target)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not results(target):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert b"Canceled" in errors
    states = [row["state"] for row in rows(target).values()]
    assert set(states) == {"done", "waiting"}
    assert len(results(target)) == states.count("done")
    assert run(source, target) == 0


def test_ctrl_c_twice_stops_at_once(source: Path, target: Path) -> None:
    environ = {**os.environ, "INVERTING_S": "60"}
    command = [sys.executable, str(PROCESS), str(source), str(target)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    place = target / manifest.FOLDER / manifest.NAME
    while not _is_running(place):
        time.sleep(0.05)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # signals of one kind that wait are one
    _, errors = process.communicate(timeout=50)
    assert b"Canceled" in errors
    assert {row["state"] for row in rows(target).values()} == {"waiting"}


def _is_running(place: Path) -> bool:
    if not place.exists():
        return False
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as database:
        try:
            query = "SELECT count(*) FROM pictures WHERE state = 'running'"
            return bool(database.execute(query).fetchone()[0])
        except sqlite3.OperationalError:  # it is being made
            return False


def test_nothing_is_done_twice_and_what_changed_is_done_again(source: Path, target: Path) -> None:
    assert run(source, target) == 0
    before = rows(target)
    picture(source / "0" / "0.png", number=99)
    (source / "1" / "1.png").touch()  # another time, the same picture
    assert run(source, target) == 0
    after = rows(target)
    again = {name for name in after if after[name]["finished_at"] != before[name]["finished_at"]}
    assert again == {"0/0.png"}
    assert run(source, target, {**STEP, "seed": 1}) == 0
    assert all(
        row["finished_at"] > after[name]["finished_at"] for name, row in rows(target).items()
    )


def test_a_damaged_manifest_is_kept_aside_and_made_again(source: Path, target: Path) -> None:
    assert run(source, target) == 0
    place = target / manifest.FOLDER / manifest.NAME
    before = results(target)
    place.write_bytes(b"SQLite format 3\0" + b"damage" * 1000)
    assert run(source, target) == 0
    assert results(target) == before
    assert {row["state"] for row in rows(target).values()} == {"done"}
    assert len(list(place.parent.glob("*damaged*"))) == 1


def test_files_of_others_are_not_replaced(source: Path, target: Path) -> None:
    target.mkdir()
    (target / "0").mkdir()
    (target / "0" / "0.png").write_bytes(b"mine")
    for fresh in (False, True):
        assert run(source, target, fresh=fresh) == 5
        assert (target / "0" / "0.png").read_bytes() == b"mine"
    assert len(results(target)) == 40


def test_a_picture_that_breaks_workers_leaves_the_others_alone(source: Path, target: Path) -> None:
    picture(source / "bad.png", KILLS)
    assert run(source, target, retries=0, workers=2) == 12
    states = [row["state"] for row in rows(target).values()]
    assert (states.count("done"), states.count("failed")) == (40, 1)


def test_a_picture_with_nothing_to_restore_is_no_failure(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(source / "landscape.png", FACELESS)
    assert run(source, target) == 0
    assert "1 have no faces" in capsys.readouterr().out
    before = rows(target)["landscape.png"]
    assert before["state"] == "skipped"
    assert run(source, target) == 0
    assert rows(target)["landscape.png"]["finished_at"] == before["finished_at"]


def test_a_dry_run_touches_nothing(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(source, target, dry_run=True) == 0
    assert not target.exists()
    assert "0 are done, 40 would be restored" in capsys.readouterr().out
    assert run(source, target, limit=10) == 0
    assert run(source, target, dry_run=True) == 0
    assert "10 are done, 30 would be restored" in capsys.readouterr().out


def test_what_can_not_be_is_told_before_the_work(source: Path, target: Path) -> None:
    with pytest.raises(BadRequest, match="no batch in"):
        run(source, target, resume=True)
    with pytest.raises(BadRequest, match="Both --resume and --fresh"):
        run(source, target, resume=True, fresh=True)
    with pytest.raises(BadRequest, match="no report"):
        run(source, target, report=Path("x.doc"))
    with pytest.raises(BadRequest, match="where their results would go"):
        run(source, source)
    with pytest.raises(UnknownModel):
        run(source, target, {**STEP, "model": "none"})
    assert not target.exists()


def test_a_target_that_is_a_file(source: Path, target: Path) -> None:
    target.touch()
    with pytest.raises(OutputFailed, match="can't be written to"):
        run(source, target)


def test_a_report_is_written_whatever_failed(source: Path, target: Path, tmp_path: Path) -> None:
    (source / "0" / "x.png").write_bytes(b"none")
    assert run(source, target, report=tmp_path / "report.html") == 3
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "40 (0.0 megapixels)" in page
    assert "0/x.png" in page


def test_the_head_needs_neither_torch_nor_fsspec_nor_ray(source: Path, target: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(PROCESS.parent)!r})
import batches
assert batches.run({str(source)!r}, {str(target)!r}, limit=2) == 0
assert not {{"torch", "fsspec", "ray"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_manifest_is_one_sqlite_file(source: Path, target: Path) -> None:
    assert run(source, target, limit=1) == 0
    place = target / manifest.FOLDER / manifest.NAME
    assert {path.name for path in place.parent.iterdir()} == {manifest.NAME, "batch.log"}
    with closing(sqlite3.connect(place)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
