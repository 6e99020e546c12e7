"""What is computed twice gives the same gradients, and keeps less."""

import torch
from torch import Tensor, nn

from pixelmend_engine.nn.recomputation import recomputed


class Doubled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.calls = 0

    def forward(self, x: Tensor, factor: Tensor | None) -> Tensor:
        self.calls += 1
        y = self.linear(x).tanh()
        return y if factor is None else factor * y


def test_gradients_are_the_same() -> None:
    torch.manual_seed(0)
    module, x = Doubled(), torch.randn(4, 8)
    gradients: list[Tensor] = []
    for twice in (False, True):
        for factor in (None, torch.tensor(2.0)):
            module.zero_grad()
            y = recomputed(module, x, factor) if twice else module(x, factor)
            y.square().sum().backward()
            assert module.linear.weight.grad is not None
            gradients.append(module.linear.weight.grad.clone())
    assert torch.equal(gradients[0], gradients[2])
    assert torch.equal(gradients[1], gradients[3])
    assert module.calls == 2 + 2 * 2
