"""Folders are walked once, files appear whole."""

import os
from pathlib import Path
from typing import Any

import pytest

from pixelmend.errors import OutputExists, OutputFailed
from pixelmend_engine.batch import storage
from pixelmend_engine.batch.storage import LocalStorage, Unread


def names(root: Path, excluded: Path | None = None) -> list[str]:
    walked = LocalStorage(str(root), excluded).walk(Unread())
    return [entry.address for entry in walked]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a/x.jpg", "a/deeper/ü.tif", ".hidden.jpg", ".folder/y.jpg"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    return tmp_path / "tree"


def test_the_tree_is_walked_in_order(tree: Path) -> None:
    assert names(tree) == ["b.jpg", "a/x.jpg", "a/deeper/ü.tif"]
    assert names(tree, excluded=tree / "a") == ["b.jpg"]


def test_links_in_circles_end(tree: Path) -> None:
    (tree / "a" / "up").symlink_to(tree)
    (tree / "a" / "self").symlink_to("self")
    (tree / "again").symlink_to(tree / "a", target_is_directory=True)
    walked = names(tree)
    assert sorted(walked) == ["a/deeper/ü.tif", "a/x.jpg", "b.jpg"]


def test_names_of_all_kinds(tree: Path) -> None:
    longest = "x" * 251 + ".jpg"
    (tree / longest).touch()
    raw = os.fsencode(tree) + b"/caf\xe9.jpg"
    Path(os.fsdecode(raw)).touch()
    assert {longest, "caf\udce9.jpg"} <= set(names(tree))
    with LocalStorage(str(tree)).store(longest, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert (tree / longest).read_bytes() == b"new"


def test_a_folder_that_can_not_be_read_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def refused(path: str) -> Any:
        if path.endswith("deeper"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    unread = Unread()
    walked = [entry.address for entry in LocalStorage(str(tree)).walk(unread)]
    assert walked == ["b.jpg", "a/x.jpg"]
    assert unread.folders == [("a/deeper", "Permission denied")]


def test_a_result_is_there_whole_or_not_at_all(tree: Path) -> None:
    place = LocalStorage(str(tree))
    with place.store("new/folder/z.png", overwrite=False) as temporary:
        temporary.write_bytes(b"whole")
        assert not place.exists("new/folder/z.png")
    assert (tree / "new" / "folder" / "z.png").read_bytes() == b"whole"
    with pytest.raises(OutputExists), place.store("b.jpg", overwrite=False):
        pass
    with pytest.raises(OutputFailed, match="can't be made"), place.store("b.jpg/c", overwrite=True):
        pass


def test_what_a_killed_process_left_is_cleaned_up(tree: Path) -> None:
    (tree / ".0123abcd.part.jpg").touch()
    (tree / ".0123abcd.mine").touch()
    LocalStorage(str(tree)).clean("b.jpg")
    hidden = {path.name for path in tree.iterdir() if path.name.startswith(".0")}
    assert hidden == {".0123abcd.mine"}


def test_a_file_is_looked_at(tree: Path) -> None:
    place = LocalStorage(str(tree))
    entry = place.entry("b.jpg")
    assert entry is not None
    assert entry.size_bytes == 5
    assert place.entry("nothing") is None
    assert place.entry("a") is None
    assert storage.open_storage(str(tree)).root == str(tree)
