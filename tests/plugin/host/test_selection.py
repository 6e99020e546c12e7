"""Rectangles and masks."""

from pixelmend.host.selection import Area, binarized


def test_what_two_have_in_common() -> None:
    assert Area(0, 0, 10, 8).intersection(Area(4, 5, 10, 10)) == Area(4, 5, 6, 3)
    assert Area(-5, -5, 20, 20).intersection(Area(0, 0, 10, 8)) == Area(0, 0, 10, 8)


def test_neighbors_have_nothing_in_common() -> None:
    assert Area(0, 0, 10, 8).intersection(Area(10, 0, 5, 5)) is None
    assert Area(0, 0, 10, 8).intersection(Area(0, -5, 5, 5)) is None


def test_around_is_larger_on_each_side() -> None:
    assert Area(5, 6, 7, 8).padded(2) == Area(3, 4, 11, 12)


def test_strips_fill_it_without_gap_or_overlap() -> None:
    strips = list(Area(5, 6, 7, 20).strips(8))
    assert strips == [Area(5, 6, 7, 8), Area(5, 14, 7, 8), Area(5, 22, 7, 4)]


def test_what_is_selected_a_little_is_selected_whole() -> None:
    assert binarized(bytes([0, 1, 128, 255])) == bytes([0, 255, 255, 255])
