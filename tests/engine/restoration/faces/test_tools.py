"""What looks at faces is loaded once, and given back."""

from pathlib import Path

import pytest
from fakes import CPU
from marked_faces import install_face_networks

from pixelmend.errors import WeightsMissing
from pixelmend_engine.restoration.faces.tools import FaceTools


def test_both_are_loaded_once_and_again_after_they_were_given_back(tmp_path: Path) -> None:
    install_face_networks(tmp_path)
    tools = FaceTools(tmp_path)
    find = tools.detector(CPU)
    assert tools.detector(CPU) is find
    assert tools.tools(CPU).find is find
    assert tools.tools(CPU).parse is tools.tools(CPU).parse
    tools.release()
    assert tools.detector(CPU) is not find


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        FaceTools(tmp_path).detector(CPU)
    FaceTools(tmp_path).release()  # of nothing
