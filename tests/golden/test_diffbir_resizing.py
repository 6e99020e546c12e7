"""Pictures are resized and padded as the published code does it.

Tolerance: float32, the same operators; against Pillow's 8 bits see there.
"""

import pytest
import torch
from einops import rearrange
from golden.recipe import Golden
from golden.vectors import assert_near
from torch import Tensor

from pixelmend_engine.models.diffbir.degradation_removal import padded_to, resized, with_min_side

TOLERANCE = 1e-6
GOLDEN = Golden("colorfix-helpers")


def test_the_short_side_is_enlarged() -> None:
    enlarged = with_min_side(GOLDEN["short_edge.in"], 64)
    assert enlarged.shape == (1, 3, 64, 91)
    assert_near(enlarged[..., ::2, ::2], GOLDEN["short_edge.out64"], TOLERANCE)


def test_zeros_are_added() -> None:
    assert torch.equal(padded_to(GOLDEN["pad.in"], 16), GOLDEN["pad.out16"])


def test_results_are_resized() -> None:
    image = GOLDEN["final_resize.in"]
    assert_near(resized(image, (50, 61)), GOLDEN["final_resize.out"], TOLERANCE)
    larger = resized(image, (100, 133))
    assert_near(larger[..., ::2, ::2], GOLDEN["final_resize.up"], TOLERANCE)


@pytest.mark.parametrize(
    ("golden", "given", "made", "size", "every"),
    [
        (GOLDEN, "pil.in", "pil.bicubic_x2.5", (112, 152), 1),
        (Golden("pipeline"), "v2.1-sr.lq", "v2.1-sr.lq_resized_sub8", (544, 512), 8),
        (Golden("pipeline"), "v2-tiled.lq", "v2-tiled.lq_resized_sub8", (640, 528), 8),
    ],
)
def test_pictures_are_enlarged_as_pillow_does_it(
    golden: Golden, given: str, made: str, size: tuple[int, int], every: int
) -> None:
    enlarged = resized(_picture(golden[given]) / 255, size).clamp(0, 1)[..., ::every, ::every] * 255
    difference = (enlarged - _picture(golden[made])).abs()
    # Pillow rounds and cuts off twice, once for each axis; ours stays as it is until the end.
    assert difference.max() < 3
    assert (difference > 1).float().mean() < 0.01


def _picture(bits: Tensor) -> Tensor:
    return rearrange(bits, "h w c -> 1 c h w").float()
