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
