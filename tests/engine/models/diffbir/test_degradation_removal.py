"""The first stage in tiles is nearly what it is on the whole picture."""

import pytest
import torch
from fakes import CPU
from small_diffbir import picture, pipeline

from pixelmend_engine.catalog.diffbir import V2, RestorationModule
from pixelmend_engine.models.diffbir.degradation_removal import remove_degradation, tile_count


@pytest.mark.parametrize(
    ("name", "scale", "tile"), [("swinir", 1, 128), ("bsrnet", 4, 48), ("scunet", 1, 128)]
)
def test_tiles_are_near_to_the_whole(name: RestorationModule, scale: int, tile: int) -> None:
    network = pipeline(V2, name).networks.restoration_module(name)
    height, width = tile * 3 // 2, tile * 2
    assert tile_count(height, width, tile) == 6
    size = (scale * height, scale * width)
    with torch.no_grad():
        whole, cut = (
            remove_degradation(network, picture(height, width), size, 64, side, CPU)
            for side in (None, tile)
        )
    assert cut.shape == (1, 3, *size)
    # Networks see less where a tile ends, and that counts little: 0.16 % of the deviation at most
    # was measured. A tile that lies wrong, or is mirrored, changes ten times more.
    assert (cut - whole).abs().mean() < 0.005 * whole.std()
