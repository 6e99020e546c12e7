"""Inputs are paired with results, and never two with one."""

from pathlib import Path

import pytest

from pixelmend.errors import BadRequest, OutputFailed
from pixelmend_cli import targets


def plan(*inputs: object, output: Path | None = None, out_dir: Path | None = None) -> list[str]:
    """Names the results."""
    texts = [str(text) for text in inputs]
    planned = targets.plan(texts, output=output, out_dir=out_dir, suffix="_deblurred")
    return [str(target.result) for target in planned]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.jpg", "a.png", "odd[1].jpg"):
        (tmp_path / name).touch()
    return tmp_path


def test_the_result_lies_beside_its_input() -> None:
    assert plan("trip/photo.JPG") == [str(Path("trip/photo_deblurred.JPG"))]


def test_one_result_may_be_named() -> None:
    assert plan("photo.jpg", output=Path("sharp.png")) == ["sharp.png"]


def test_results_may_go_into_a_folder() -> None:
    results = plan("a/1.jpg", "b/2.jpg", out_dir=Path("out"))
    assert results == [str(Path("out/1_deblurred.jpg")), str(Path("out/2_deblurred.jpg"))]


def test_patterns_are_expanded_in_order_and_each_file_once(folder: Path) -> None:
    results = plan(folder / "*.jpg", folder / "a.*")
    assert [Path(result).name for result in results] == [
        "a_deblurred.jpg",
        "b_deblurred.jpg",
        "odd[1]_deblurred.jpg",
        "a_deblurred.png",
    ]


def test_results_of_an_earlier_run_are_left_out(folder: Path) -> None:
    (folder / "a_deblurred.jpg").touch()
    results = plan(folder / "[ab]*.jpg")
    assert [Path(result).name for result in results] == ["a_deblurred.jpg", "b_deblurred.jpg"]
    alone = plan(folder / "a_deblurred.jpg")
    assert [Path(result).name for result in alone] == ["a_deblurred_deblurred.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "odd1.jpg").touch()  # which the pattern would mean
    assert plan(folder / "odd[1].jpg") == [str(folder / "odd[1]_deblurred.jpg")]


def test_a_missing_file_is_left_for_the_reader_to_report(folder: Path) -> None:
    assert plan(folder / "nothing.jpg") == [str(folder / "nothing_deblurred.jpg")]


def test_a_pattern_that_fits_nothing_is_left_for_the_reader_too(folder: Path) -> None:
    (folder / "below").mkdir()
    assert plan(folder / "*.xyz", folder / "b*") == [
        str(folder / "*_deblurred.xyz"),
        str(folder / "b_deblurred.jpg"),
    ]


def test_only_a_home_folder_is_expanded() -> None:
    assert plan("~/photo.png") == [str(Path.home() / "photo_deblurred.png")]
    assert plan("~photo.png") == ["~photo_deblurred.png"]


def test_a_name_that_no_file_can_have_is_left_for_the_reader() -> None:
    assert plan("n" * 300 + ".png") == ["n" * 300 + "_deblurred.png"]


def test_one_name_for_several_results_is_refused() -> None:
    with pytest.raises(BadRequest, match="-o names one file, but there are 2"):
        plan("a.jpg", "b.jpg", output=Path("c.jpg"))
    with pytest.raises(BadRequest, match="Both"):
        plan("a.jpg", output=Path("c.jpg"), out_dir=Path("d"))


def test_results_of_the_same_name_are_refused() -> None:
    with pytest.raises(BadRequest, match="same name"):
        plan("a/1.jpg", "b/1.jpg", out_dir=Path("out"))


def test_a_folder_is_made(tmp_path: Path) -> None:
    targets.make_folder(tmp_path / "one" / "two")
    targets.make_folder(tmp_path / "one" / "two")
    assert (tmp_path / "one" / "two").is_dir()


def test_a_folder_that_can_not_be_made_is_refused(folder: Path) -> None:
    with pytest.raises(OutputFailed, match="can't be made"):
        targets.make_folder(folder / "a.jpg" / "below")


def test_one_file_in_two_spellings_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "link").symlink_to(folder)
    assert plan("a.jpg", "./a.jpg", folder / "a.jpg", "link/a.jpg", out_dir=Path("out")) == [
        str(Path("out/a_deblurred.jpg"))
    ]


@pytest.fixture
def album(folder: Path) -> Path:
    """A folder with one in it, and with what is no picture of the user's."""
    (folder / "trip").mkdir()
    for name in ("trip/c.TIF", "notes.txt", ".hidden.jpg"):
        (folder / name).touch()
    return folder


def test_a_folder_stands_for_its_pictures(album: Path) -> None:
    names = [Path(result).name for result in plan(album)]
    assert names == [
        f"{name}"
        for name in (
            "a_deblurred.jpg",
            "a_deblurred.png",
            "b_deblurred.jpg",
            "odd[1]_deblurred.jpg",
        )
    ]


def test_folders_in_a_folder_keep_their_places(album: Path) -> None:
    planned = targets.plan(
        [str(album)], output=None, out_dir=Path("out"), suffix="_x", recursive=True
    )
    assert str(Path("out/trip/c_x.TIF")) in [str(target.result) for target in planned]
    assert len(planned) == 5


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no picture in the folder"):
        plan(tmp_path)


def test_what_has_its_result_can_be_left_out(folder: Path) -> None:
    (folder / "a_x.jpg").touch()
    planned = targets.plan([str(folder / "[ab].jpg")], output=None, out_dir=None, suffix="_x")
    left = targets.without_done(planned)
    assert [target.source.name for target in left] == ["b.jpg"]
