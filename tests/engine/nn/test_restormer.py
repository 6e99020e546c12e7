"""What HI-Diff's and DiffIR's blocks are made of; the golden vectors say that it is Restormer's."""

import pytest
import torch
from torch.nn import functional

from pixelmend_engine.nn.restormer import convolved_chunks, depthwise, gate, pointwise


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_parts_are_cut_from_one_result(parts: int, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    mixing, filters = pointwise(5, 7 * parts).double(), depthwise(7 * parts).double()
    x = torch.randn(2, 5, 9, 12, dtype=torch.float64).contiguous(memory_format=layout)
    whole = filters(mixing(x)).chunk(parts, dim=1)
    for part, cut in zip(convolved_chunks(x, mixing, filters, parts), whole, strict=True):
        torch.testing.assert_close(part, cut, rtol=0, atol=1e-14)  # sums in another order


def test_each_part_is_dense() -> None:
    x = torch.randn(1, 4, 8, 8).contiguous(memory_format=torch.channels_last)
    for part in convolved_chunks(x, pointwise(4, 6), depthwise(6), 2):
        assert part.is_contiguous(memory_format=torch.channels_last)


def test_gate_is_the_same_with_and_without_gradients() -> None:
    torch.manual_seed(0)
    gating, value = torch.randn(2, 2, 3, 4, 4, requires_grad=True)
    learned = gate(gating, value)
    learned.sum().backward()  # nothing that the gradients need was overwritten
    with torch.no_grad():
        kept = gating.clone(), value.clone()
        restored = gate(gating, value)
        assert torch.equal(gating, kept[0])
        assert torch.equal(value, kept[1])
    assert torch.equal(restored, learned)
    assert torch.equal(restored, functional.gelu(kept[0]) * kept[1])
