"""The parser sees faces as the published pipeline shows them to it."""

import numpy as np
import torch
from torch import Tensor, nn

from pixelmend_engine.restoration.faces.parsing import Parser

CPU = torch.device("cpu")


class Reddest(nn.Module):
    """Stands in for ParseNet: class 1 where the last channel is bright, else class 0."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, face: Tensor) -> Tensor:
        self.seen.append(face)
        others = face.new_full((1, 17, 512, 512), -9.0)
        return torch.cat([torch.zeros_like(face[:, :1]), face[:, -1:], others], dim=1)


def test_the_published_order_of_channels_is_turned_around() -> None:
    square = np.zeros((512, 512, 3), np.float32)
    square[:100, :, 0] = 1  # red
    network = Reddest()
    classes = Parser(network, CPU)(square)
    assert (classes[:100] == 1).all()
    assert not classes[100:].any()
    assert network.seen[0].min() == -1
    assert network.seen[0].max() == 1
    assert not Parser(network, CPU, "rgb")(square).any()
