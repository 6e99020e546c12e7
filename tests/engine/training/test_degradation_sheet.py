"""The contact sheet shows the photograph, and as many degraded ones as asked."""

from pathlib import Path

from tiny_run import SOFT

from pixelmend_engine.training.degradation_sheet import COLUMNS, SIDE, degradation_sheet
from pixelmend_engine.training.evaluation.contact_sheet import CAPTION_HEIGHT, GAP


def test_a_sheet_has_room_for_all(photos: Path) -> None:
    sheet = degradation_sheet(photos / "00.png", SOFT, count=5, seed=0)
    assert sheet.width == COLUMNS * (SIDE + GAP) + GAP
    assert sheet.height == 2 * (SIDE + CAPTION_HEIGHT + GAP) + GAP
    again = degradation_sheet(photos / "00.png", SOFT, count=5, seed=0)
    assert sheet.tobytes() == again.tobytes()
