"""What a source is, and what of it are pictures."""

from pathlib import Path

import pytest

from pixelmend.errors import BadRequest
from pixelmend_engine.batch import listing


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("a.jpg", "deep/b.TIF", "deep/c.png", "notes.txt", "deep/raw.psd", "Thumbs.db"):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "scans"


def pictures(source: object, target: object) -> list[str]:
    return [entry.address for entry in listing.open_listing(str(source), str(target)).pictures()]


def test_a_folder(source: Path, tmp_path: Path) -> None:
    found = listing.open_listing(str(source), str(tmp_path / "out"))
    assert [entry.address for entry in found.pictures()] == ["a.jpg", "deep/b.TIF", "deep/c.png"]
    assert found.others == {".txt": 1, ".psd": 1, ".db": 1}


def test_the_root_is_absolute_for_workers_have_other_current_folders(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("scans", "scans/*.jpg", "scans/a.jpg"):
        found = listing.open_listing(name, str(tmp_path / "out"))
        assert found.storage.root == str(source)
        assert "a.jpg" in [entry.address for entry in found.pictures()]


def test_a_pattern_keeps_the_tree_below_its_fixed_part(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert pictures(source / "**" / "*.png", out) == ["deep/c.png"]
    assert pictures(source / "*" / "*", out) == ["deep/b.TIF", "deep/c.png"]
    with pytest.raises(BadRequest, match="No file fits"):
        pictures(source / "*.webp", out)


def test_a_list_keeps_the_tree_below_what_its_pictures_have_in_common(
    source: Path, tmp_path: Path
) -> None:
    names = tmp_path / "list.txt"
    names.write_text(f"# those\nscans/deep/b.TIF\r\n{source}/a.jpg\n\nscans/gone.jpg\n")
    found = listing.open_listing(str(names), str(tmp_path / "out"))
    assert [entry.address for entry in found.pictures()] == ["deep/b.TIF", "a.jpg"]
    assert found.missing == ["gone.jpg"]
    names.write_text("\n")
    with pytest.raises(BadRequest, match="list is empty"):
        listing.open_listing(str(names), str(tmp_path / "out"))


def test_one_picture(source: Path, tmp_path: Path) -> None:
    assert pictures(source / "a.jpg", tmp_path / "out") == ["a.jpg"]


def test_results_in_the_source_are_no_sources(source: Path) -> None:
    (source / "out").mkdir()
    (source / "out" / "a.jpg").touch()
    assert pictures(source, source / "out") == ["a.jpg", "deep/b.TIF", "deep/c.png"]
    assert pictures(source / "*" / "*.*", source / "out") == ["deep/b.TIF", "deep/c.png"]


@pytest.mark.parametrize("target", [".", ".."])
def test_sources_are_not_where_results_go(target: str, source: Path) -> None:
    with pytest.raises(BadRequest, match="where their results would go"):
        pictures(source, source / target)
    with pytest.raises(BadRequest, match="where their results would go"):
        pictures("memory://a/b", "memory://a")


def test_nothing_by_that_name(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no folder, file or pattern"):
        pictures(tmp_path / "nothing", tmp_path / "out")
