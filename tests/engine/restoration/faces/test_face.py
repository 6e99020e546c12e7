"""Faces know their size and describe themselves."""

from marked_faces import PORTRAIT

from pixelmend_engine.restoration.faces.face import Face


def test_the_size_is_the_longer_side_of_the_box() -> None:
    face = Face(box=(10.0, 20.0, 40.0, 70.0), landmarks=PORTRAIT.landmarks)
    assert face.size == 50


def test_a_description_is_short_enough_for_a_header_with_many() -> None:
    assert len(str(PORTRAIT.to_json())) < 260
