"""Faces know their size, and what becomes of them when the picture is enlarged."""

import numpy as np
from marked_faces import PORTRAIT

from pixelmend_engine.faces.face import Face


def test_the_size_is_the_longer_side_of_the_box() -> None:
    face = Face(box=(10.0, 20.0, 40.0, 70.0), landmarks=PORTRAIT.landmarks)
    assert face.size == 50


def test_enlarging_moves_centers_of_pixels() -> None:
    face = Face(box=(0.0, 0.0, 10.0, 10.0), landmarks=((0.0, 0.0),) * 5)
    twice = face.scaled(2.0)
    assert twice.box == (0, 0, 20, 20)
    # The first pixel becomes the first two: its center lies between them.
    np.testing.assert_allclose(twice.points, [(0.5, 0.5)] * 5)
    assert face.scaled(1.0) == face


def test_a_description_is_short_enough_for_a_header_with_many() -> None:
    assert len(str(PORTRAIT.scaled(11.3).to_json())) < 260
