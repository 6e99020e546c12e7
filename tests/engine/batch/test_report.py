"""A report is a page that needs nothing, or a table that runs nothing."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import picture

from pixelmend.errors import BadRequest
from pixelmend_engine.batch import manifest, report
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.records import Outcome, SourcePicture
from pixelmend_engine.batch.storage import LocalStorage

EVIL = "=cmd|'x'!A1<img src=x onerror=alert(1)>.png"


@pytest.fixture
def book(source: Path, target: Path) -> Iterator[Manifest]:
    """One picture is restored, with a face that changed; one failed."""
    picture(target / "a.png", number=50)
    with Manifest(target / manifest.FOLDER / manifest.NAME) as opened:
        pictures = [
            SourcePicture(address=name, result=name, result_key=name, size_bytes=1, modified="1")
            for name in ("a.png", EVIL)
        ]
        opened.list_pictures(pictures, opened.begin_run(fresh=False), "key")
        first, second = opened.lease("w", 9, lambda name: False)
        steps = [{"model": "m", "notes": ["face 0 changed noticeably (much)"]}]
        done = Outcome(id=first.id, state="done", seconds=2.5, pixels=10**6, facts={"steps": steps})
        opened.finish(done, "w", "key")
        failed = Outcome(id=second.id, state="failed", code="bad-image", message="<b>no", hint="h")
        opened.finish(failed, "w", "key")
        yield opened


def written(book: Manifest, path: Path, source: Path, target: Path) -> str:
    report.check_ending(path)
    report.write(book, path, LocalStorage(str(source)), LocalStorage(str(target)))
    return path.read_text(encoding="utf-8")


def test_the_page_shows_what_came_of_it_and_asks_no_network(
    book: Manifest, tmp_path: Path, source: Path, target: Path
) -> None:
    page = written(book, tmp_path / "r.html", source, target)
    assert page.count("data:image/jpeg;base64,") == 4  # before and after, twice
    assert "face 0 changed noticeably" in page
    assert "2.50 s" in page
    assert "1.0 megapixels" in page
    assert "&lt;b&gt;no" in page
    assert "<img src=x" not in page
    links = re.findall(r"""(?:src|href)=["']?([^"'\s>]{4})""", page)
    assert set(links) == {"data"}
    assert "http" not in page


def test_the_table_runs_no_formula(
    book: Manifest, tmp_path: Path, source: Path, target: Path
) -> None:
    rows = list(csv.DictReader(written(book, tmp_path / "r.csv", source, target).splitlines()))
    assert [row["state"] for row in rows] == ["done", "failed"]
    assert rows[0]["model"] == "m"
    assert rows[1]["address"] == f"'{EVIL}"


def test_json_has_all_of_it(book: Manifest, tmp_path: Path, source: Path, target: Path) -> None:
    found = json.loads(written(book, tmp_path / "r.json", source, target))
    assert found["totals"]["done"] == 1
    assert [one["address"] for one in found["pictures"]] == ["a.png", EVIL]


def test_other_endings_are_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"ends in `\.pdf`"):
        report.check_ending(tmp_path / "r.pdf")
