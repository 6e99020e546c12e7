"""Scripts that show widgets, on one of the bindings and without a screen."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module", params=["PyQt6", "PyQt5"])
def shown_by(request: pytest.FixtureRequest) -> Callable[[str], dict[str, str]]:
    """Runs a script beside this file; returns the lines `name=value` that it prints."""

    def run(script: str) -> dict[str, str]:
        environ = os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": "/tmp"}
        result = subprocess.run(
            [sys.executable, str(Path(__file__).parent / script), request.param],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if "cannot open shared object" in result.stderr:
            pytest.skip(f"Qt lacks a library of the system: {result.stderr.splitlines()[-1]}")
        assert result.returncode == 0, result.stderr
        return dict(line.split("=", 1) for line in result.stdout.splitlines())

    return run
