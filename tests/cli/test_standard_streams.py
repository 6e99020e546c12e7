"""`-` is standard input, and its result standard output; with real processes."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

OPTIONS = ["-n", "hi-diff-compact", "--device", "cpu", "--in-process"]
DEBLUR = [sys.executable, "-m", "pixelmend", "deblur", *OPTIONS]


def test_a_picture_goes_through_a_pipe(photo: Path) -> None:
    result = subprocess.run(
        [*DEBLUR, "-"], input=photo.read_bytes(), capture_output=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, b"")
    with Image.open(photo) as before, Image.open(io.BytesIO(result.stdout)) as after:
        assert (after.format, after.size) == (before.format, before.size)


@pytest.mark.slow
def test_a_file_goes_into_a_pipe_and_a_pipe_into_a_file(photo: Path, tmp_path: Path) -> None:
    data = subprocess.run([*DEBLUR, photo, "-o", "-"], capture_output=True, check=True).stdout
    with Image.open(io.BytesIO(data)) as after:
        assert after.format == "PNG"
    target = tmp_path / "out" / "sharp.jpg"
    target.parent.mkdir()
    printed = subprocess.run(
        [*DEBLUR, "-", "-o", target], input=data, capture_output=True, check=True
    ).stdout
    assert printed.decode() == f"{target}\n"
    with Image.open(target) as after:
        assert after.format == "JPEG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["-", "a.jpg"], "stands for one picture"), (["-", "--json"], "the picture and JSON")],
)
def test_what_can_not_go_through_is_refused(arguments: list[str], message: str) -> None:
    result = subprocess.run([*DEBLUR, *arguments], input=b"", capture_output=True, check=False)
    assert result.returncode == 2
    assert message in result.stderr.decode()


def test_what_is_no_picture_writes_nothing() -> None:
    result = subprocess.run([*DEBLUR, "-"], input=b"no", capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (3, b"")
    assert b"standard input" in result.stderr
