"""Measures `pixelmend deblur` as a user meets it: from typing the command to the result.

    python tests/bench/deblur.py PICTURE [--megapixels 1 24]

Each run is one process (no engine beside it), on the CPU, with the bundled model. The picture is
resized to the asked size first. Figures over the budget are marked; docs/performance.md says where
they were taken.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import measure
from PIL import Image

BUDGET = {  # seconds and gigabytes, on two cores
    "pixelmend --help": (0.3, 0.1),
    "pixelmend models list": (0.3, 0.1),
    "1 megapixels": (12.0, 3.0),
    "24 megapixels": (240.0, 4.5),
}

DEBLUR = ("deblur", "-q", "--device", "cpu", "-n", "hi-diff-compact", "--overwrite", "--in-process")


def main() -> None:
    """Prints one line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 24])
    arguments = parser.parse_args()

    print(f"{'':24} {'seconds':>8} {'peak GB':>8}")
    show("pixelmend --help", "--help")
    show("pixelmend models list", "models", "list")
    with tempfile.TemporaryDirectory() as folder, Image.open(arguments.picture) as picture:
        for megapixels in arguments.megapixels:
            source, result = Path(folder, "source.jpg"), Path(folder, "result.jpg")
            factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
            size = (round(picture.width * factor), round(picture.height * factor))
            picture.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(source, quality=92)
            options = (
                "-q",
                "--device",
                "cpu",
                "-n",
                "hi-diff-compact",
                "--overwrite",
                "--in-process",
            )
            show(f"{megapixels:g} megapixels", "deblur", str(source), "-o", str(result), *options)


def show(name: str, *arguments: str) -> None:
    """Runs a command once and prints what it took, beside its budget if it has one."""
    taken = measure.run(sys.executable, "-m", "pixelmend", *arguments)
    seconds, gigabytes = BUDGET.get(name, (float("inf"), float("inf")))
    over = taken.seconds > seconds or taken.peak_bytes > gigabytes * 1e9
    mark = f"  over the budget of {seconds:g} s, {gigabytes:g} GB" if over else ""
    print(f"{name:24} {taken.seconds:8.2f} {taken.peak_bytes / 1e9:8.2f}{mark}")


if __name__ == "__main__":
    main()
