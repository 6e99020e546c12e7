"""The commands for who makes models, called as they are typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CommandRunner
from PIL import Image


@pytest.mark.slow  # four commands; `tests/engine/training` has the parts
def test_a_model_is_trained_resumed_and_restores_pictures(
    pixelmend: CommandRunner, photos: Path, photo: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    # Two steps of each stage, over crops of 128 pixels.
    short = ("--recipe", "compact-tuned", "--steps", 4, "--batch", 1, "--device", "cpu")
    command = ("train", "--sharp", f"{photos}=2", "--out-dir", run, *short)
    result = pixelmend(*command, "--minutes", 0.0001)
    assert (result.code, result.stdout) == (0, f"{run / 'stage1'}\n")
    assert "stage 1: 1/2" in result.stderr
    result = pixelmend(*command, "--resume", "-q")
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout == f"{run / 'stage1'}\n{run / 'stage2'}\n"
    tuned = tmp_path / "tuned"
    options = ("--sharp", photos, "--out-dir", tuned, "--stage", 2, "--start", run / "stage2")
    result = pixelmend("train", *options, *short)
    assert (result.code, result.stdout) == (0, f"{tuned / 'stage2'}\n")
    assert "prior" not in result.stderr  # there was no teacher whose prior could be learned
    for weights in (run / "stage2", run / "stage2" / "published", tuned / "stage2"):
        result = pixelmend("deblur", photo, "--weights", weights, "--overwrite", "--json")
        assert json.loads(result.stdout)["model"] == "hi-diff-compact"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to train on"),
        (["--sharp", "nowhere"], "no folder `nowhere`"),
        (["--sharp", ".=0"], "above 0"),
        (["--sharp", ".", "--recipe", "gopr"], "no recipe `gopr`"),
        (["--sharp", ".", "--stage", "2"], "no file or folder with weights"),
        (["--sharp", ".", "--stage", "3"], "no stage 3"),
        (["--sharp", ".", "--start", "."], "begins no stage with weights of stage 2"),
        (["--sharp", ".", "--stage", "2", "--start", "nowhere"], "no file or folder with weights"),
        (["--sharp", ".", "--recipe", "diffir-realsr-x4"], "as VGG-19 of ImageNet sees them"),
        (["--sharp", ".", "--recipe", "diffir-inpaint-faces"], "ResNet-50 of ADE20K"),
        (
            ["--sharp", ".", "--recipe", "diffir-inpaint-faces", "--perception", "nowhere"],
            "no file `nowhere`",
        ),
        (
            [
                "--sharp",
                ".",
                "--recipe",
                "diffir-realsr-x4",
                "--stage",
                "3",
                "--perception",
                "none",
            ],
            "no file or folder with weights",
        ),
        (["--sharp", ".", "--captions"], "are for DiffBIR, not for `compact`"),
        (["--sharp", ".", "--at-once", "2"], "looks at all crops of a step together"),
        (
            ["--sharp", ".", "--family", "diffbir", "--recipe", "v2.1", "--start", "."],
            "those of one stage",
        ),
        (["--sharp", ".", "--family", "diffbir"], "no recipe `compact`"),
    ],
)
def test_what_can_not_be_trained_is_told(
    pixelmend: CommandRunner, tmp_path: Path, options: list[str], message: str
) -> None:
    result = pixelmend("train", "--out-dir", tmp_path / "run", *options)
    assert result.code in (2, 4)
    assert message in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_contact_sheet_is_made(pixelmend: CommandRunner, photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    command = ("contact-sheet", photo, "-o", sheet, "--count", 2)
    assert pixelmend(*command).stdout == f"{sheet}\n"
    assert pixelmend(*command).code == 5  # it is there already
    assert pixelmend(*command[:3], tmp_path / "sheet.txt").code == 2


@pytest.mark.parametrize(
    "recipe", ["diffir-deblur", "diffir-realsr-x4-v2", "diffir-srgan-x4", "diffir-inpaint-places"]
)
def test_a_contact_sheet_shows_what_each_kind_of_recipe_does(
    pixelmend: CommandRunner, photo: Path, tmp_path: Path, recipe: str
) -> None:
    sheet = tmp_path / "sheet.png"
    result = pixelmend("contact-sheet", photo, "-o", sheet, "--count", 2, "--recipe", recipe)
    assert result.code == 0
    with Image.open(sheet) as image:
        first, second, third = (image.crop((x, 8, x + 256, 264)) for x in (8, 272, 536))
    # Making a picture smaller is the same each time.
    assert len({first.tobytes(), second.tobytes(), third.tobytes()}) == 3 - ("srgan" in recipe)


def test_a_missing_package_is_named() -> None:
    # Not installed, as far as that process can see.
    script = (
        "import sys; sys.modules['accelerate'] = None\n"
        "from pixelmend_cli.main import main\n"
        "main(['train', '--sharp', '.', '--out-dir', 'run'])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 10
    assert "`accelerate`" in result.stderr
    assert ".[train]" in result.stderr
