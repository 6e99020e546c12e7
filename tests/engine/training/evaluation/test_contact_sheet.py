"""Sheets: every picture in its place, none larger than asked."""

import torch

from pixelmend_engine.training.evaluation.contact_sheet import CAPTION_HEIGHT, GAP, SheetCell, sheet


def test_pictures_are_side_by_side_and_large_ones_shrink() -> None:
    red = torch.zeros(3, 20, 20, dtype=torch.uint8)
    red[0] = 255
    wide = torch.zeros(3, 40, 80, dtype=torch.uint8)
    image = sheet([[SheetCell(red, ""), SheetCell(wide, "")], [SheetCell(red, "below")]], 40)
    assert image.size == (2 * (40 + GAP) + GAP, 2 * (40 + CAPTION_HEIGHT + GAP) + GAP)
    second = 2 * GAP + 40
    assert image.getpixel((GAP, GAP)) == (255, 0, 0)
    assert image.getpixel((GAP + 20, GAP)) == (255, 255, 255)
    assert image.getpixel((second + 39, GAP + 19)) == (0, 0, 0)
    assert image.getpixel((second, GAP + 20)) == (255, 255, 255)
    assert image.getpixel((GAP, 2 * GAP + 40 + CAPTION_HEIGHT)) == (255, 0, 0)
