"""From the published files to what looks at faces: the detector and the parser, loaded strictly."""

from pathlib import Path

import torch
from torch import nn

from pixelmend_engine.catalog import faces as catalog
from pixelmend_engine.nn.parsenet import ParseNet
from pixelmend_engine.nn.retinaface import RetinaFace
from pixelmend_engine.restoration.faces.detection import Detector
from pixelmend_engine.restoration.faces.parsing import Parser
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints import reading


def detector(models_dir: Path, device: torch.device) -> Detector:
    """Loads RetinaFace.

    Raises:
        WeightsMissing: Its file is not on this computer.
        UnreadableCheckpoint: It is damaged, or holds something else.
    """
    with torch.device("meta"):
        network = RetinaFace()
    _fill(network, catalog.DETECTOR, models_dir)
    return Detector(network, device)


def parser(models_dir: Path, device: torch.device) -> Parser:
    """Loads ParseNet.

    Raises:
        WeightsMissing: Its file is not on this computer.
        UnreadableCheckpoint: It is damaged, or holds something else.
    """
    with torch.device("meta"):
        network = ParseNet()
    _fill(network, catalog.PARSER, models_dir)
    return Parser(network, device)


def _fill(network: nn.Module, file_id: str, models_dir: Path) -> None:
    (path, *_) = store.locate_file(file_id, models_dir)
    states = {"network": reading.read(path)}
    reading.fill_strictly(nn.ModuleDict({"network": network}), states)
