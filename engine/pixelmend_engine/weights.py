"""Where a model's weights are on this computer. Read without torch."""

import hashlib
from importlib import resources
from pathlib import Path
from typing import Literal

from pixelmend.errors import WeightsMissing
from pixelmend_engine.catalog.spec import ModelSpec

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")

State = Literal["bundled", "installed", "missing"]


def state(spec: ModelSpec, models_dir: Path) -> State:
    """Says whether a model's weights are here, and how they came."""
    if spec.bundled:
        return "bundled"
    return "installed" if _files(models_dir / spec.id) else "missing"


def locate(spec: ModelSpec, models_dir: Path) -> tuple[Path, ...]:
    """Returns the files that hold a model's weights.

    Raises:
        WeightsMissing: They are not on this computer.
    """
    if spec.bundled:
        return (bundled_file(spec.bundled),)
    if files := _files(models_dir / spec.id):
        return files
    address = next((url for file in spec.weights for url in file.urls), spec.source)
    raise WeightsMissing(
        f"The weights of `{spec.id}` are not on this computer",
        hint=f"Download and unpack {address} and name its folder with --weights, "
        f"or put its files into `{models_dir / spec.id}`",
    )


def given(path: Path) -> tuple[Path, ...]:
    """Returns the weight files at a path that the user named: a folder, or one file.

    Raises:
        WeightsMissing: There are none.
    """
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise WeightsMissing(
            f"There is no file or folder with weights at `{path}`", hint="Check the path"
        )
    if files := _files(path):
        return files
    raise WeightsMissing(
        f"There are no weights ({', '.join(SUFFIXES)}) in the folder `{path}`",
        hint="Name the folder that the files themselves are in, unpacked",
    )


def bundled_file(name: str) -> Path:
    """Returns the path of a file that ships inside the package."""
    return Path(str(resources.files("pixelmend_engine") / "bundled" / name))


def sha256(path: Path) -> str:
    """Computes a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    # Names with a dot in front are what macOS leaves on foreign disks, not weights.
    files = (path for path in folder.iterdir() if path.name[0] != ".")
    return tuple(sorted(path for path in files if path.suffix in SUFFIXES))
