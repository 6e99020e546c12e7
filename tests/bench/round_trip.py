"""Measures what the engine's process costs beside the computing.

    python tests/bench/round_trip.py

A 24-megapixel RGBA picture of 8 bits goes to an engine that changes nothing, and comes back.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pixelmend.client import launch
from pixelmend.paths import Paths
from pixelmend.wire import Raster

WIDTH, HEIGHT = 6000, 4000
RUNS = 5
FAKE = Path(__file__).parent.parent / "protocol" / "fake_engine.py"


def main() -> None:
    """Prints the seconds of each run and their median."""
    picture = Raster(WIDTH, HEIGHT, "U8", "RGBA", bytes(WIDTH * HEIGHT * 4))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(FAKE), "--home", folder, "--steps", "1"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as engine:
            paths = Paths(Path(folder))
            while (client := launch.find(paths)) is None:
                time.sleep(0.05)
            seconds: list[float] = []
            for _ in range(RUNS):
                started = time.monotonic()
                result, _ = client.restore(picture, "deblur", {})
                seconds.append(time.monotonic() - started)
                assert result.data == picture.data
            print(f"there and back: {', '.join(f'{s:.3f}' for s in seconds)} s")
            print(f"median: {statistics.median(seconds):.3f} s")
            engine.terminate()


if __name__ == "__main__":
    main()
