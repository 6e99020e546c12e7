"""What looks at faces is loaded once, and given back."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import CPU
from marked_faces import install_face_networks, with_noses

from pixelmend.errors import WeightsMissing
from pixelmend_engine.restoration.faces.detector_and_parser import FaceDetectorAndParser


def test_both_are_loaded_once_and_again_after_they_were_given_back(tmp_path: Path) -> None:
    install_face_networks(tmp_path)
    networks = FaceDetectorAndParser(tmp_path)
    networks.load(CPU)
    shutil.rmtree(tmp_path)
    networks.load_detector(CPU)
    networks.load(CPU)  # neither is read again
    noses = torch.from_numpy(with_noses((440, 640), (320, 220))).permute(2, 0, 1)[None] / 255
    assert len(networks.find(noses)) == 1
    assert networks.parse(np.zeros((512, 512, 3), np.float32)).all()
    networks.release()
    with pytest.raises(WeightsMissing):
        networks.load_detector(CPU)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        FaceDetectorAndParser(tmp_path).load_detector(CPU)
    FaceDetectorAndParser(tmp_path).release()  # of nothing
