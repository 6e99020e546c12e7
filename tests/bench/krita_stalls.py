"""Measures how long Krita stands still while a 24-megapixel layer is sent, and its result arrives.

    python tests/bench/krita_stalls.py

The engine changes nothing. Needs what tests/hosts needs (`make hosts-root`).
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

HOSTS = Path(__file__).parent.parent / "hosts"
sys.path.insert(0, str(HOSTS))

import editor  # noqa: E402 - lies beside the tests of hosts
from engines import SlowEngine  # noqa: E402
from machine import INSIDE, Machine  # noqa: E402

FIGURES = {
    "idle": "longest time without an answer, before",
    "way": "longest time without an answer from the click until the new layer arrives",
    "arrival": "while the new layer arrives",
    "after": "after that, until a second after the end",
    "whole": "from the click to the end",
}


def main() -> None:
    """Prints the seconds, for each kind of layer."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        user = Machine(home, home)
        editor.install(user)
        folder = home / "scenes"
        folder.mkdir()
        with SlowEngine(home / "slow", step_seconds=0.0, steps=1) as engine:
            (folder / "slow.json").write_text(json.dumps(engine.settings), encoding="utf-8")
            told = editor.play(user, folder, INSIDE / "krita_stalls.py")
        scene = told["stalls"]
        if told["raised"] or "raised" in scene:
            sys.exit(str(told))
        for kind, runs in scene["kinds"].items():
            print(kind)
            for figure, title in FIGURES.items():
                seconds = [run[figure] for run in runs]
                spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
                print(f"  {title}: {statistics.median(seconds):.2f} s ({spread})")


if __name__ == "__main__":
    main()
