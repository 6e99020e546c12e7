"""A picture seen in bands is pooled as if it were seen whole."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pixelmend_engine.nn.banded_pooling import Bands


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 12),
    cells=st.integers(1, 5),
    max_pixels=st.integers(1, 600),
    depth=st.integers(1, 4),
)
def test_bands_add_up_to_the_whole(
    height: int, width: int, cells: int, max_pixels: int, depth: int
) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3 * 4, 3 * 4, 3, padding=1) for _ in range(depth)]
    network = nn.Sequential(nn.PixelUnshuffle(2), *layers).double()
    image = torch.rand(2, 3, 2 * height, 2 * width, dtype=torch.float64)
    calls: list[torch.Tensor] = []

    def features(band: torch.Tensor) -> torch.Tensor:
        calls.append(band)
        return network(band)

    bands = Bands(shrink=2, reach=depth, max_pixels=max_pixels)
    pooled = bands.pooled(features, image, cells)
    whole = nn.AdaptiveAvgPool2d(cells)(network(image))
    torch.testing.assert_close(pooled, whole, rtol=0, atol=1e-12)  # sums of some 100 terms near 1
    assert len(calls) == bands.count(2 * height, 2 * width)


@pytest.mark.parametrize(("width", "rows"), [(100, 472), (1000, 22), (100_000, 28)])
def test_a_band_holds_no_more_than_it_may_unless_it_would_be_all_overlap(
    width: int, rows: int
) -> None:
    assert Bands(shrink=2, reach=14, max_pixels=100_000).rows(width) == max(rows, 28)
