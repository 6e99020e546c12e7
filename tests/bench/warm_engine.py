"""Measures what a warm engine saves, and what it costs while it waits.

    python tests/bench/warm_engine.py PICTURE

The same command twice: the first starts the engine, the second finds it with the model loaded. Then
the engine's memory, with the model, and after it was released.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import measure
import psutil

from pixelmend.client import launch
from pixelmend.paths import Paths

RELEASE_AFTER_S = 3


def main() -> None:
    """Prints seconds and gigabytes."""
    picture = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder, "home"))
        os.environ |= {
            "PIXELMEND_HOME": str(paths.home),
            "PIXELMEND_RELEASE_MINUTES": str(RELEASE_AFTER_S / 60),
        }
        command = [sys.executable, "-m", "pixelmend", "deblur", picture, "-q", "--overwrite"]
        command += ["-n", "hi-diff-compact", "-o", str(Path(folder, "result.png"))]
        alone = measure.run(*command, "--in-process")
        first, second = measure.run(*command), measure.run(*command)
        print(f"in-process: {alone.seconds:.2f} s")
        print(f"first: {first.seconds:.2f} s, starts the engine")
        print(f"second: {second.seconds:.2f} s, finds it warm")
        print(f"peak memory of the command itself: {second.peak_bytes / 1e9:.2f} GB")
        engine = psutil.Process(json.loads(paths.state.read_text())["pid"])
        print(f"engine with the model: {engine.memory_info().rss / 1e9:.2f} GB")
        time.sleep(RELEASE_AFTER_S + 1)
        print(f"engine after release: {engine.memory_info().rss / 1e9:.2f} GB")
        launch.stop(paths)


if __name__ == "__main__":
    main()
