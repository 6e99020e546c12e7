"""The command that measures models, called as it is typed."""

import json
from pathlib import Path

import pytest
from conftest import Call
from PIL import Image


def test_models_are_measured_as_a_table_and_as_json(
    pixelmend: Call, photos: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "worst.png"
    command = ("evaluate", "--sharp", photos, "--shake", 3, 6, "--no-baselines", "--device", "cpu")
    ended = pixelmend(*command, "--sheet", sheet)
    assert ended.code == 0
    # Three pictures, the mean, and how its prior fares.
    assert ended.stdout.count("hi-diff-compact") == 5
    assert "of the prior differs between photographs" in ended.stdout
    with Image.open(sheet) as image:
        assert image.width > 900
    found = json.loads(pixelmend(*command, "--json", "--kept-back").stdout)
    assert len(found["pictures"]) == 1
    assert found["priors"] == {}  # one picture has no other to be compared with
    means = {row["method"]: row for row in found["means"]}
    gain = means["hi-diff-compact"]["psnr"] - means["input"]["psnr"]
    assert means["hi-diff-compact"]["gain"] == pytest.approx(gain)


def test_what_can_not_be_measured_is_told(pixelmend: Call, photos: Path) -> None:
    assert "either --pairs or --sharp" in pixelmend("evaluate").stderr
    ended = pixelmend("evaluate", "--sharp", photos, "--shake", 6, 3)
    assert "longer than the longest" in ended.stderr
    ended = pixelmend("evaluate", "--pairs", photos)
    assert (ended.code, "no pairs" in ended.stderr) == (2, True)
    ended = pixelmend("evaluate", "--sharp", photos, "--damage", "rain")
    assert (ended.code, "no damage `rain`" in ended.stderr) == (2, True)
    assert "gaussian-25" in ended.stderr
    assert "damaged already" in pixelmend("evaluate", "--pairs", photos, "--damage", "scan").stderr


def test_other_damage_than_shake_is_measured(pixelmend: Call, photos: Path) -> None:
    command = ("evaluate", "--sharp", photos, "--damage", "gaussian-25", "--no-baselines", "--json")
    found = json.loads(pixelmend(*command, "--device", "cpu").stdout)
    assert (found["damage"], "shake" in found) == ("gaussian-25", False)
    means = {row["method"]: row["psnr"] for row in found["means"]}
    assert means["input"] == pytest.approx(20.3, abs=0.6)  # 20 log10(255 / 25), less where clipped
