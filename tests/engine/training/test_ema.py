"""The average follows the weights, and lends itself to them without a trace."""

import pytest
import torch
from torch import nn

from pixelmend_engine.training.ema import WeightEma


@pytest.fixture
def weight() -> nn.Parameter:
    return nn.Parameter(torch.zeros(2))


def test_it_follows_the_weights_quickly_first(weight: nn.Parameter) -> None:
    average = WeightEma({"w": weight}, 0.999)
    with torch.no_grad():
        weight.fill_(1.0)
    average.update(1)
    # A decay of (1 + 1) / (10 + 1) in the first step.
    torch.testing.assert_close(average.state_dict()["w"], torch.full((2,), 9 / 11))


def test_it_is_put_in_place_and_taken_out_to_the_bit(weight: nn.Parameter) -> None:
    average = WeightEma({"w": weight}, 0.5)
    with torch.no_grad():
        weight.fill_(0.1)
    with average.applied():
        assert weight.tolist() == [0, 0]
    assert torch.equal(weight.detach(), torch.full((2,), 0.1))


def test_it_is_restored(weight: nn.Parameter) -> None:
    average = WeightEma({"w": weight}, 0.5)
    average.load_state_dict({"w": torch.full((2,), 3.0)})
    assert average.state_dict()["w"].tolist() == [3, 3]


def test_without_a_decay_there_is_none(weight: nn.Parameter) -> None:
    average = WeightEma({"w": weight}, None)
    average.update(1)
    assert average.state_dict() == {}
    with average.applied():
        assert weight.tolist() == [0, 0]
