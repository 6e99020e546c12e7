"""Measures what the way from GIMP to the engine and back costs, beside the computing.

    python tests/bench/gimp_transfer.py

A 24-megapixel layer goes out of GIMP, to an engine that changes nothing, and back into a new layer.
Needs what tests/hosts needs (`make hosts-root`).
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

HOSTS = Path(__file__).parent.parent / "hosts"
sys.path.insert(0, str(HOSTS))

from engines import SlowEngine  # noqa: E402
from machine import Machine  # noqa: E402 - lies beside the tests of hosts

RUNS = 5
PHASES = ("read", "engine", "write", "insert", "whole procedure")


def main() -> None:
    """Prints the seconds of each part, for each kind of layer."""
    with tempfile.TemporaryDirectory() as folder:
        user = Machine(Path(folder), Path(folder))
        (Path(folder) / ".config" / "GIMP" / "3.0").mkdir(parents=True)
        user.pixelmend("setup", "gimp")
        with SlowEngine(Path(folder) / "engine", step_seconds=0.0, steps=1) as engine:
            settings = next(Path(folder).rglob("settings.json"))
            told = json.loads(settings.read_text(encoding="utf-8"))
            settings.write_text(json.dumps(told | engine.settings), encoding="utf-8")
            answer = Path(folder) / "answer.json"
            output = user.play("transfer.py", answer=str(answer), runs=str(RUNS))
            if not answer.exists():
                sys.exit(output)
            for kind, runs in json.loads(answer.read_text(encoding="utf-8")).items():
                print(kind)
                for name in PHASES:
                    seconds = [run[name] for run in runs]
                    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
                    print(f"  {name}: {statistics.median(seconds):.2f} s ({spread})")


if __name__ == "__main__":
    main()
