"""Blocks, compiled and not, on features of two sizes; in a process without the tests' type checks.

python tests/compiled_blocks.py
"""

import copy

import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from pixelmend_engine.models.hidiff import TransformerBlock
from pixelmend_engine.training.compilation import compile_blocks

SIZES = (1, 4, 16, 24), (2, 4, 24, 8)


class Twice(nn.Module):
    """A block that is called with features of two sizes, as those of a U are."""

    def __init__(self) -> None:
        super().__init__()
        self.block = TransformerBlock(4, 2, 2.0)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.block(first).square().sum() + self.block(second).square().sum()


def main() -> None:
    """Prints how far results and gradients are apart, at most, and how many graphs there are."""
    torch.manual_seed(0)
    features = [torch.randn(size).to(memory_format=torch.channels_last) for size in SIZES]
    plain = Twice()
    compiled = copy.deepcopy(plain)
    compile_blocks(compiled, TransformerBlock)
    made = [networks(*features) for networks in (plain, compiled)]
    for result in made:
        result.backward()
    slopes = [
        torch.cat([p.grad.flatten() for p in networks.parameters() if p.grad is not None])
        for networks in (plain, compiled)
    ]
    unlike = [((b - a).abs().max() / a.abs().max()).item() for a, b in (made, slopes)]
    graphs = counters["stats"]["unique_graphs"]
    print(*unlike, graphs)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
