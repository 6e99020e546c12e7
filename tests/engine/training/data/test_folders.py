"""Folders: pairs as they are published, and every tenth picture kept back."""

import hashlib
from pathlib import Path

import pytest

from pixelmend.errors import BadImage, BadRequest
from pixelmend_engine.training.data.folders import (
    TrainingFolder,
    TrainingPair,
    paired,
    split,
    unpaired,
)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_pictures_are_found_in_folders_of_folders(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "sub/a.PNG", "notes.csv", ".hidden.jpg")
    assert [pair.name for pair in unpaired(tmp_path)] == ["b.jpg", "sub/a.PNG"]
    with pytest.raises(BadImage, match="no pictures"):
        TrainingFolder(kind="sharp", path=tmp_path / "sub" / "none").pairs()


def test_pairs_of_gopro_and_realblur_are_found(tmp_path: Path) -> None:
    touch(tmp_path, "GOPR1/blur/01.png", "GOPR1/sharp/01.png", "GOPR1/blur_gamma/01.png")
    touch(tmp_path, "scene1/blur/blur_7.png", "scene1/gt/gt_7.png")
    actual = {(pair.name, pair.sharp.relative_to(tmp_path).as_posix()) for pair in paired(tmp_path)}
    assert actual == {
        ("GOPR1/blur/01.png", "GOPR1/sharp/01.png"),
        ("scene1/blur/blur_7.png", "scene1/gt/gt_7.png"),
    }


def test_a_blurred_picture_without_a_sharp_one_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "blur/1.png", "blur/2.png", "sharp/1.png")
    with pytest.raises(BadRequest, match=r"no sharp picture for .*2\.png"):
        paired(tmp_path)
    with pytest.raises(BadRequest, match="no pairs"):
        paired(tmp_path / "sharp")


def test_every_tenth_by_the_hash_of_its_name_is_kept_back(tmp_path: Path) -> None:
    scenes = [TrainingPair(f"{number}.jpg", tmp_path / f"{number}.jpg") for number in range(25)]
    training, kept = split(scenes)
    assert len(kept) == 3
    assert {*training, *kept} == {*scenes}
    ordered = sorted(
        (pair.name for pair in scenes), key=lambda n: hashlib.sha1(n.encode()).digest()
    )
    assert [pair.name for pair in kept] == [ordered[0], ordered[10], ordered[20]]
    assert split(scenes[::-1]) == (training, kept)  # whatever order a folder is listed in
