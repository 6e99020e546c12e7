"""The command that measures models, called as it is typed."""

import json
from pathlib import Path

import pytest
from conftest import CommandRunner
from PIL import Image


def test_models_are_measured_as_a_table_and_as_json(
    pixelmend: CommandRunner, photos: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "worst.png"
    command = ("evaluate", "--sharp", photos, "--shake", 3, 6, "--no-baselines", "--device", "cpu")
    result = pixelmend(*command, "--sheet", sheet)
    assert result.code == 0
    # Three pictures, the mean, and how its prior fares.
    assert result.stdout.count("hi-diff-compact") == 5
    assert "of the prior differs between photographs" in result.stdout
    with Image.open(sheet) as image:
        assert image.width > 900
    report = json.loads(pixelmend(*command, "--json", "--kept-back").stdout)
    assert len(report["pictures"]) == 1
    assert report["priors"] == {}  # one picture has no other to be compared with
    means = {row["method"]: row for row in report["means"]}
    gain = means["hi-diff-compact"]["psnr"] - means["input"]["psnr"]
    assert means["hi-diff-compact"]["gain"] == pytest.approx(gain)


def test_what_can_not_be_measured_is_told(pixelmend: CommandRunner, photos: Path) -> None:
    assert "either --pairs or --sharp" in pixelmend("evaluate").stderr
    result = pixelmend("evaluate", "--sharp", photos, "--shake", 6, 3)
    assert "longer than the longest" in result.stderr
    result = pixelmend("evaluate", "--pairs", photos)
    assert (result.code, "no pairs" in result.stderr) == (2, True)
    result = pixelmend("evaluate", "--sharp", photos, "--damage", "rain")
    assert (result.code, "no damage `rain`" in result.stderr) == (2, True)
    assert "gaussian-25" in result.stderr
    assert "damaged already" in pixelmend("evaluate", "--pairs", photos, "--damage", "scan").stderr


def test_other_damage_than_shake_is_measured(pixelmend: CommandRunner, photos: Path) -> None:
    command = ("evaluate", "--sharp", photos, "--damage", "gaussian-25", "--no-baselines", "--json")
    report = json.loads(pixelmend(*command, "--device", "cpu").stdout)
    assert (report["damage"], "shake" in report) == ("gaussian-25", False)
    means = {row["method"]: row["psnr"] for row in report["means"]}
    assert means["input"] == pytest.approx(20.3, abs=0.6)  # 20 log10(255 / 25), less where clipped
