"""Faces that a person marks: where they are put back, and what is read of boxes and selections."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import Brighter, LoadedSession, loaded, unsaid
from rasters import array, picture

from pixelmend.errors import BadRequest, WeightsMissing
from pixelmend_engine.restoration.faces import alignment
from pixelmend_engine.restoration.faces.marked_faces import (
    AXES,
    CENTER,
    MarkedFaces,
    boxes_of_selection,
    face_in,
    parse_boxes,
)
from pixelmend_engine.restoration.task_request import TaskRequest

GRAY = np.full((300, 400, 3), 0.5, np.float32)


def restored(
    folder: Path, mask: np.ndarray | None = None, **options: object
) -> tuple[np.ndarray, list[str]]:
    """Returns by how much each place became brighter, and the notes."""
    request = TaskRequest.of({"task": "face", "model": "diffbir-v2.1", "offline": True, **options})
    result, facts = LoadedSession(loaded(Brighter(by=0.2)), folder).run(
        picture(GRAY, mask=None if mask is None else mask.tobytes()), request, unsaid
    )
    return array(result)[..., 0] - 0.5, facts["notes"]


def test_the_oval_of_a_box_is_restored_and_nothing_beyond(tmp_path: Path) -> None:
    change, notes = restored(tmp_path, boxes="100,60,120,160")
    assert change[140, 160] == pytest.approx(0.2, abs=0.01)  # the middle of the box
    assert change[66, 106] < 0.05  # its corner, outside the oval
    # The feather is blurred twice over 50 pixels of the square, 22 of the picture.
    change[60 - 45 : 220 + 45, 100 - 45 : 220 + 45] = 0
    assert not change.any()
    assert notes == []  # nobody says that the person changed, or did not


def test_several_boxes_are_several_faces(tmp_path: Path) -> None:
    change, _ = restored(tmp_path, boxes="20,20,90,120;250,100,100,130")
    assert change[80, 65] > 0.19
    assert change[165, 300] > 0.19
    assert not change[:, 180:200].any()


def test_what_is_selected_is_the_face_where_nothing_can_find_one(tmp_path: Path) -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[60:220, 100:220] = 255
    change, (note,) = restored(tmp_path, mask)
    assert change[140, 160] > 0.19
    change[60:220, 100:220] = 0
    assert not change.any()
    assert "what you selected was taken for the faces" in note
    assert "What finds faces" in note


def test_without_anything_marked_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing) as raised:
        restored(tmp_path)
    assert "select it, or use --box" in raised.value.hint


def test_a_box_becomes_an_upright_face_in_the_oval() -> None:
    face = face_in((100.0, 60.0, 235.0, 240.0))  # as wide and high as half of the oval
    matrix = alignment.matrix_of(face)
    assert matrix is not None
    assert alignment.scale_of(matrix) == pytest.approx(2, rel=1e-6)
    assert matrix[0, 1] == pytest.approx(0, abs=1e-9)  # not turned
    center = alignment.apply(matrix, np.array([(167.0, 149.5)]))[0]
    assert center == pytest.approx(CENTER)
    assert AXES[0] / 2 == pytest.approx(67.5)


def test_the_larger_face_comes_first() -> None:
    faces = MarkedFaces([(0.0, 0.0, 50.0, 50.0), (100.0, 0.0, 200.0, 100.0)]).find(
        torch.zeros(1, 3, 200, 200)
    )
    assert [face.size for face in faces] == [100, 50]


def test_boxes_are_read_and_must_lie_in_the_picture() -> None:
    assert parse_boxes("1,2,3,4;10,20,30,40", 100, 100) == [(1, 2, 4, 6), (10, 20, 40, 60)]
    for wrong in ("90,0,20,20", "0,0,0,5", "0,90,5,11"):
        with pytest.raises(BadRequest, match=f"The box {wrong} does not lie in the picture"):
            parse_boxes(wrong, 100, 100)


def test_each_part_of_a_selection_is_a_face_unless_it_is_tiny() -> None:
    selected = np.zeros((100, 200), bool)
    selected[10:40, 10:50] = selected[50:90, 100:130] = selected[5:8, 150:153] = True
    assert boxes_of_selection(selected) == [(10, 10, 50, 40), (100, 50, 130, 90)]
