"""Tiles as large as memory allows, or as the user wants them."""

import dataclasses

import pytest
from fakes import CPU, spec

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.spec import MIN_TILE, MemoryCost
from pixelmend_engine.inference.tile_size import LARGEST_TILE, plan_tiles


def test_a_picture_that_fits_is_taken_whole() -> None:
    assert len(plan_tiles(spec(), 4000, 6000, None, CPU).tiles) == 1


def test_a_picture_that_does_not_fit_is_cut() -> None:
    plan = plan_tiles(spec(tile_bytes_per_pixel=10_000), 8000, 8000, None, CPU)
    longest = max(tile.rows.length for tile in plan.tiles)
    assert MIN_TILE <= longest <= LARGEST_TILE


def test_a_picture_that_can_not_even_be_looked_at_is_refused() -> None:
    cost = MemoryCost(prepare_bytes_per_pixel=10**9, prepare_pixels=10**9, tile_bytes_per_pixel=1)
    greedy = dataclasses.replace(spec(), cost=cost)
    with pytest.raises(OutOfMemory, match=r"needs 160000\.0 GB"):
        plan_tiles(greedy, 400, 400, 192, CPU)


def test_a_picture_for_which_there_is_no_memory_at_all_is_cut_small() -> None:
    plan = plan_tiles(spec(tile_bytes_per_pixel=10**12), 400, 400, None, CPU)
    assert max(tile.rows.length for tile in plan.tiles) <= MIN_TILE


def test_the_user_may_forbid_tiles() -> None:
    plan = plan_tiles(spec(tile_bytes_per_pixel=10**12), 400, 400, 0, CPU)
    assert len(plan.tiles) == 1
