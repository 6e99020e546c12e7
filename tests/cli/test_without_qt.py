"""Whoever passes Pixelmend on may leave PyQt6 out: command line and engine never miss it."""

import json
import os
import subprocess
from pathlib import Path

from PIL import Image


def test_the_command_line_and_the_engine_start_without_qt(
    python_without_qt: str, photo: Path, tmp_path: Path
) -> None:
    def call(*arguments: str, code: int = 0) -> str:
        result = subprocess.run(
            [python_without_qt, "-I", *arguments],
            env={**os.environ, "PIXELMEND_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == code, result.stderr
        return result.stdout

    call("-c", "import PyQt6", code=1)
    assert "without PyQt6" in call("-m", "pixelmend", "doctor")
    try:
        call("-m", "pixelmend", "deblur", str(photo))
        status = json.loads(call("-m", "pixelmend", "engine", "status", "--json"))
    finally:
        call("-m", "pixelmend", "engine", "stop")
    with Image.open(photo.with_name("photo_deblurred.png")) as image:
        assert image.size == (72, 56)
    assert status
