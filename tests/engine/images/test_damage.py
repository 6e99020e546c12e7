"""What a library raises over a file is damage; what anything else raises is not."""

import pytest

from pixelmend_engine.images.damage import IMAGECODECS, PILLOW, Damaged, damage, pack, unpack


def test_what_a_library_raises_is_damage() -> None:
    with pytest.raises(Damaged, match="not a TIFF"), damage(PILLOW):
        raise SyntaxError("not a TIFF file")


def test_what_it_does_not_raise_passes() -> None:
    with pytest.raises(TypeError), damage(IMAGECODECS):
        raise TypeError("of ours")


def test_numbers_that_are_cut_off_are_damage() -> None:
    data = bytearray(b"\1\0\2")
    assert unpack("<H", data, 0) == (1,)
    with pytest.raises(Damaged):
        unpack("<H", data, 2)
    pack("<H", data, 0, 513)
    assert data == b"\1\2\2"
    with pytest.raises(Damaged):
        pack("<H", data, 0, 65_536)
