"""What is a picture, by its name."""

import pytest

from pixelmend_engine.images import kinds


@pytest.mark.parametrize("name", ["a.jpg", "trip/b.TIFF", "s3://bucket/c.d.png", "..jpg"])
def test_pictures_are_known_by_their_endings(name: str) -> None:
    assert kinds.is_picture(name) is (name != "..jpg")


@pytest.mark.parametrize(
    ("name", "ending"), [("a.JPG", ".jpg"), ("a.b/c", ""), (".jpg", ""), ("a", ""), ("x.", ".")]
)
def test_an_ending_is_of_the_name_alone(name: str, ending: str) -> None:
    assert kinds.ending_of(name) == ending


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("trip/IMG_1.HEIC", "trip/IMG_1.jpg"),
        ("a.nef", "a.tif"),
        ("a.jp2", "a.png"),
        ("a.JPG", "a.JPG"),
        ("a.b/c", "a.b/c"),
    ],
)
def test_a_result_is_of_a_kind_that_is_written(source: str, result: str) -> None:
    assert kinds.result_name(source) == result
    changed = kinds.ending_of(source) != kinds.ending_of(result)
    assert bool(kinds.change(source, result)) is changed
    assert kinds.change("a.heic", "a.heic") == []
