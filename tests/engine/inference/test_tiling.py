"""Tiles cover the picture, and blend without a seam."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.catalog.spec import MIN_TILE
from pixelmend_engine.inference import tiling

sizes = st.integers(1, 250).map(lambda units: units * 8)
sides = st.one_of(st.none(), st.integers(MIN_TILE, 1200))


@given(height=sizes, width=sizes, side=sides)
def test_tiles_fit_the_grid_and_the_limit(height: int, width: int, side: int | None) -> None:
    plan = tiling.plan(height, width, side, 8)
    for tile in plan.tiles:
        for span, length in ((tile.rows, height), (tile.columns, width)):
            assert 0 <= span.start < span.stop <= length
            assert span.start % 8 == 0
            assert span.length % 8 == 0
            assert span.before + span.after <= span.length
            assert side is None or span.length <= side or length <= side


@given(height=sizes, width=sizes, side=sides)
def test_neighbors_overlap_by_the_same_pixels_and_no_third_tile_does(
    height: int, width: int, side: int | None
) -> None:
    rows = {tile.rows.start: tile.rows for tile in tiling.plan(height, width, side, 8).tiles}
    spans = [rows[start] for start in sorted(rows)]
    assert spans[0].start == 0
    assert spans[-1].stop == height
    for one, two in pairwise(spans):
        assert one.stop - two.start == one.after == two.before == tiling.OVERLAP
    for one, three in zip(spans, spans[2:], strict=False):
        assert one.stop <= three.start


@pytest.mark.parametrize("scale", [1, 2])
def test_blending_gives_back_what_the_tiles_agree_on(scale: int) -> None:
    image = torch.rand(1, 3, 400, 520, generator=torch.Generator().manual_seed(1))

    def enlarge(tile: Tensor, number: int) -> Tensor:
        return functional.interpolate(tile, scale_factor=scale, mode="nearest")

    plan = tiling.plan(400, 520, 208, 8)
    assert len(plan.tiles) > 4
    result = tiling.apply(enlarge, image, plan, scale)
    # Two weights, each rounded to float32, add up to 1 within one unit in the last place.
    torch.testing.assert_close(result, enlarge(image, 0), atol=2e-7, rtol=0)


def test_tiles_that_disagree_are_joined_by_a_ramp() -> None:
    plan = tiling.plan(208, 400, 208, 8)
    image = torch.zeros(1, 3, 208, 400)
    result = tiling.apply(lambda tile, number: torch.full_like(tile, number), image, plan, 1)
    steps = result.diff(dim=-1).abs().max().item()
    assert steps == pytest.approx(1 / tiling.OVERLAP, rel=1e-4)


def test_pads_right_and_bottom_by_mirroring() -> None:
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    padded = tiling.pad(image, 5, "reflect")
    assert padded.shape == (1, 1, 5, 5)
    assert padded[0, 0, :, 4].tolist() == [2, 6, 10, 6, 2]
    assert padded[0, 0, 3, :4].tolist() == [4, 5, 6, 7]


def test_fills_holes_with_the_edge_twice() -> None:
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    padded = tiling.pad(image, 5, "symmetric")
    assert padded[0, 0, :, 4].tolist() == [3, 7, 11, 11, 7]


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_a_small_picture_is_mirrored_there_and_back(mode: Literal["reflect", "symmetric"]) -> None:
    image = torch.arange(8.0).reshape(1, 1, 1, 8)
    padded = tiling.pad(image, 32, mode)
    assert padded.shape == (1, 1, 32, 32)
    expected = np.pad(np.arange(8.0), (0, 24), mode)
    assert padded[0, 0, -1].tolist() == expected.tolist()


def test_a_picture_on_the_grid_is_not_padded() -> None:
    assert tiling.pad(torch.zeros(1, 3, 16, 8), 8, "reflect").shape == (1, 3, 16, 8)


def test_largest_side_holds_as_many_pixels_as_asked() -> None:
    assert tiling.largest_side(1_000_000, 8) == 1000
    assert tiling.largest_side(999_999, 8) == 992
    assert tiling.largest_side(-5, 8) == MIN_TILE
