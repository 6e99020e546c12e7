"""Which sizes can be restored."""

import pytest

from pixelmend.errors import BadImage
from pixelmend_engine.images import limits


@pytest.mark.parametrize("size", [(8, 8), (8, 18_750_000), (15_000, 10_000)])
def test_sizes_up_to_the_limit_are_taken(size: tuple[int, int]) -> None:
    limits.check_size(*size, "photo.png")


@pytest.mark.parametrize("size", [(7, 400), (400, 7), (1, 1), (15_001, 10_000)])
def test_sizes_beyond_are_refused_by_name(size: tuple[int, int]) -> None:
    with pytest.raises(BadImage, match=r"photo\.png"):
        limits.check_size(*size, "photo.png")
