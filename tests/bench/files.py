"""What becomes of every file of a folder: read, its pixels and metadata compared with others' word.

    python tests/bench/files.py FOLDER [--json OUT]

Each file is read, and written again as what its result would be. Pixels of 8 bits are compared with
Pillow's where it reads such a file, metadata with `exiftool`'s where that is installed. Prints a
table by the kind of file, which docs/pixels.md has of public test sets, and each difference.
"""

import argparse
import collections
import json
import logging
import shutil
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pixelmend.errors import PackageMissing, PixelmendError
from pixelmend_engine.images import files, kinds
from pixelmend_engine.images.image_file import ImageFile

CLOSE = 4  # of 255, that decoders of lossy files may differ by
COMPARED = ("Make", "Model", "DateTimeOriginal", "Artist", "Copyright", "GPSLatitude", "ISO")
FAULTS = ("crashed", "other pixels", "lost metadata", "result not readable")
BIG = 64 * 1024 * 1024  # bytes of a file; larger ones are left out


@dataclass
class Kind:
    """What became of the files of one kind."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter[str])


def main() -> None:
    """Goes through the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write what became of each file there")
    arguments = parser.parse_args()
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    table: dict[str, Kind] = collections.defaultdict(Kind)
    rows: list[dict[str, str]] = []
    for path in sorted(path for path in arguments.folder.rglob("*") if path.is_file()):
        kind = kinds.format_of(path.name)
        if not kind or path.stat().st_size > BIG:
            continue
        started = time.perf_counter()
        outcome, words = examine(path)
        table[kind].counts[outcome] += 1
        rows.append({"file": str(path), "outcome": outcome, "words": words})
        if outcome in FAULTS or time.perf_counter() - started > 30:
            print(f"{outcome}: {path}: {words}")
    outcomes = ["read", "refused", "damaged", *FAULTS]
    print(f"| kind | files | {' | '.join(outcomes)} |")
    print(f"|---|{'---|' * (len(outcomes) + 1)}")
    for kind, found in sorted(table.items()):
        numbers = " | ".join(str(found.counts[outcome]) for outcome in outcomes)
        print(f"| {kind} | {found.counts.total()} | {numbers} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def examine(path: Path) -> tuple[str, str]:
    """Reads a file and writes its result; says what became of it, and why."""
    try:
        photo = files.read(path)
    except PixelmendError as error:
        known = error.code == "unsupported-image" or isinstance(error, PackageMissing)
        return ("refused" if known else "damaged"), error.message
    except Exception as error:  # noqa: BLE001 - the crash is what is looked for
        return "crashed", repr(error)
    if (difference := differs(path, photo)) is not None:
        return "other pixels", difference
    with tempfile.TemporaryDirectory() as folder:
        ending = kinds.result_ending(path.name) or ".png"
        result = Path(folder, f"result{ending}")
        try:
            files.check_format(photo, result)
            files.write(photo, result)
        except PixelmendError as error:
            return "read", f"not written: {error.message}"
        except Exception as error:  # noqa: BLE001
            return "crashed", f"while written: {error!r}"
        try:
            files.read(result)
        except PixelmendError as error:
            return "result not readable", error.message
        lost = lost_metadata(path, result)
    return ("lost metadata", lost) if lost else ("read", "; ".join(photo.notes))


def differs(path: Path, photo: ImageFile) -> str | None:
    """Compares with Pillow, where it reads the file as 8 bits; None where nothing is to be said."""
    if photo.sample_type != "U8":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                image.info.pop("xmp", None)
                upright = ImageOps.exif_transpose(image)
                theirs = np.asarray(upright.convert("L" if photo.channels[0] == "Y" else "RGB"))
    except Exception:  # noqa: BLE001 - it does not read such a file
        return None
    ours = photo.pixels[..., 0] if photo.channels[0] == "Y" else photo.pixels[..., :3]
    if ours.shape != theirs.shape:
        return f"{ours.shape} and not {theirs.shape}"
    far = int(np.abs(ours.astype(int) - theirs).max())
    return f"they differ by {far}" if far > CLOSE else None


def lost_metadata(source: Path, result: Path) -> str:
    """Names what `exiftool` finds in a file, and not in its result."""
    if shutil.which("exiftool") is None:
        return ""
    before, after = tags(source), tags(result)
    return ", ".join(f"{name} was {value}" for name, value in before.items() if name not in after)


def tags(path: Path) -> dict[str, str]:
    """Returns what `exiftool` says of what was photographed."""
    command = ["exiftool", "-json", "-G0", *(f"-EXIF:{name}" for name in COMPARED), str(path)]
    process = subprocess.run(command, capture_output=True, check=False)
    try:
        (found,) = json.loads(process.stdout)
    except ValueError:
        return {}
    return {name: value for name, value in found.items() if name != "SourceFile" and value != ""}


if __name__ == "__main__":
    main()
