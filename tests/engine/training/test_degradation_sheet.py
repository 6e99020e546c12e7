"""The contact sheet shows the photograph, and as many degraded ones as asked."""

from pathlib import Path

from tiny_run import SOFT

from pixelmend_engine.training.degradation_sheet import COLUMNS, SIDE, sample_sheet
from pixelmend_engine.training.evaluation.contact_sheet import GAP, LINE


def test_a_sheet_has_room_for_all(photos: Path) -> None:
    sheet = sample_sheet(photos / "00.png", SOFT, count=5, seed=0)
    assert sheet.width == COLUMNS * (SIDE + GAP) + GAP
    assert sheet.height == 2 * (SIDE + LINE + GAP) + GAP
    again = sample_sheet(photos / "00.png", SOFT, count=5, seed=0)
    assert sheet.tobytes() == again.tobytes()
