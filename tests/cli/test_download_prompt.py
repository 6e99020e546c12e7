"""The question on a terminal: a real one, typed into."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pixelmend import preferences
from pixelmend.paths import Paths
from pixelmend.preferences import Preferences

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

ASK = """
import json, os, sys
from pathlib import Path
from pixelmend_cli import download_prompt, settings
from pixelmend_engine.catalog import tasks
described = tasks.describe
def with_small(state):
    found = described(state)
    task = next(task for task in found if task["id"] == "denoise")
    if sys.argv[1] == "small":
        small = {"id": "small", "title": "Small", "weights": "bundled", "scales": [1, 1]}
        task["models"].append(small)
    else:
        task["models"] = [model for model in task["models"] if model["weights"] != "bundled"]
    return found
tasks.describe = with_small
config = settings.resolve(os.environ)
print(json.dumps(download_prompt.with_downloads("denoise", {}, config, silent=False)))
"""


def typed(answer: str, home: Path, small: str = "small") -> tuple[str, str, int]:
    """Runs it on a terminal, and types; returns stdout, what the terminal shows, the exit code."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASK, small],
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=child,
        env={**os.environ, "PIXELMEND_HOME": str(home)},
        text=True,
    ) as process:
        os.close(child)
        os.write(parent, answer.encode())
        output, _ = process.communicate(timeout=60)
        screen = b""
        try:
            while piece := os.read(parent, 4096):
                screen += piece
        except OSError:  # the terminal's other end is closed
            pass
        finally:
            os.close(parent)
    return output, screen.decode(), process.returncode


def test_the_answer_goes_with_the_job_and_no_is_remembered(tmp_path: Path) -> None:
    output, screen, _ = typed("d\n", tmp_path)
    assert "Download DiffBIR v2.1" in screen
    assert "License" in screen
    assert json.loads(output) == {"downloads": "always"}
    assert preferences.read(Paths(tmp_path)) == Preferences()
    output, _, _ = typed("s\n", tmp_path)
    assert json.loads(output) == {"downloads": "never"}
    output, screen, _ = typed("", tmp_path)
    assert (json.loads(output), screen) == ({"downloads": "ask"}, "")  # not asked again


def test_without_a_small_model_no_is_the_end(tmp_path: Path) -> None:
    output, screen, code = typed("s\n", tmp_path, small="none")
    assert (output, code) == ("", 1)
    assert "or cancel (s)?" in screen
    assert "Canceled" in screen
