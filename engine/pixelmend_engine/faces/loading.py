"""From the published files to what looks at faces: the detector and the parser, loaded strictly."""

from pathlib import Path

import torch
from torch import nn

from pixelmend_engine import checkpoints, weights
from pixelmend_engine.catalog import faces as catalog
from pixelmend_engine.faces.detection import Detector
from pixelmend_engine.faces.parsing import Parser
from pixelmend_engine.nn.parsenet import ParseNet
from pixelmend_engine.nn.retinaface import RetinaFace


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
    (path, *_) = weights.locate_file(file_id, models_dir)
    states = {"network": checkpoints.read(path)}
    checkpoints.fill_strictly(nn.ModuleDict({"network": network}), states)
