"""Where a model's weights are on this computer. Read without torch."""

import contextlib
import hashlib
import os
import shlex
from collections.abc import Callable, Generator, Iterable
from importlib import resources
from pathlib import Path
from typing import Literal

from pixelmend.errors import WeightsMissing, WeightsNotReadable
from pixelmend_engine.catalog.spec import ModelSpec, Task
from pixelmend_engine.catalog.weight_files import WeightFile, catalog, needed
from pixelmend_engine.weights.checkpoints.files import DIFFUSERS, SUFFIXES, files_in

State = Literal["bundled", "installed", "missing"]


def state(spec: ModelSpec, models_dir: Path, task: Task | None = None) -> State:
    """Says whether a model's weights are here, for one task or for any, and how they came."""
    if spec.bundled:
        return "bundled"
    whole = all(missing(spec, models_dir, each) for each in ((task,) if task else spec.tasks))
    return "missing" if whole else "installed"


def states(models_dir: Path) -> Callable[[ModelSpec, Task], State]:
    """Returns what says of a model and a task whether its weights are in this folder."""
    return lambda spec, task: state(spec, models_dir, task)


def missing(spec: ModelSpec, models_dir: Path, task: Task | None = None) -> tuple[WeightFile, ...]:
    """Returns the files that a model needs and that are not on this computer."""
    if spec.bundled:
        return ()
    files = in_use(needed(spec, task), models_dir)
    return tuple(file for file in files if not installed(file.id, models_dir))


def in_use(files: Iterable[WeightFile], models_dir: Path) -> tuple[WeightFile, ...]:
    """Returns the files that serve for these: one that is here stands for all that it replaces."""
    standing: dict[str, WeightFile] = {}
    for file in catalog().files:
        if file.instead_of and installed(file.id, models_dir):
            standing = dict.fromkeys(file.instead_of, file) | standing  # the first of several
    serving = (standing.get(file.id, file) for file in files)
    return tuple({file.id: file for file in serving}.values())


def installed(file_id: str, models_dir: Path) -> tuple[Path, ...]:
    """Returns what is here of a weight file: ours alone, or else what the user has put there.

    Nothing is where this user may not read it; see `check_readable`.
    """
    try:
        paths = _paths(file_id, models_dir)
    except PermissionError:
        return ()
    return paths if all(os.access(path, os.R_OK) for path in paths) else ()


def _paths(file_id: str, models_dir: Path) -> tuple[Path, ...]:
    ours = path_of(file_id, models_dir)
    return (ours,) if ours.is_file() else files_in(ours.parent)


def check_readable(file_id: str, models_dir: Path) -> None:
    """Makes sure that of a weight file nothing is there which this user may not read.

    Raises:
        WeightsNotReadable: Something is: weights that another user has installed.
    """
    folder = path_of(file_id, models_dir).parent
    for place in (models_dir, folder):
        with as_not_readable(place.parent):
            if not place.is_dir():
                return
        if not os.access(place, os.R_OK | os.X_OK):
            raise _not_readable(place)
    with as_not_readable(folder):
        for path in _paths(file_id, models_dir):
            if not os.access(path, os.R_OK):
                raise _not_readable(path)


@contextlib.contextmanager
def as_not_readable(path: Path) -> Generator[None]:
    """Turns the system's refusal to read a path, or in it, into what a user reads."""
    try:
        yield
    except PermissionError as error:
        raise _not_readable(Path(str(error.filename or path))) from error


def _not_readable(path: Path) -> WeightsNotReadable:
    try:
        is_folder = path.is_dir()
    except PermissionError:  # it lies in a folder that is closed
        path, is_folder = path.parent, True
    everything = "chmod -R a+rX" if is_folder else "chmod a+r"
    return WeightsNotReadable(
        f"You may not read the weights at `{path}`",
        hint=f"Ask whose they are for `{everything} {shlex.quote(str(path))}`, or name a folder of "
        "your own with PIXELMEND_MODELS",
    )


def path_of(file_id: str, models_dir: Path) -> Path:
    """Returns where a weight file lies once it is converted."""
    return models_dir / file_id / f"{file_id}.safetensors"


def locate(spec: ModelSpec, models_dir: Path, task: Task | None = None) -> tuple[Path, ...]:
    """Returns the files that hold a model's weights.

    Those that other tasks need are among them where they are here, so that a model that was loaded
    for one task is ready for the others.

    Raises:
        WeightsMissing: They are not on this computer.
        WeightsNotReadable: This user may not read them.
    """
    if spec.bundled:
        return (bundled_file(spec.bundled.name),)
    if absent := missing(spec, models_dir, task):
        for file in absent:
            check_readable(file.id, models_dir)
        size = ", ".join(file.size for file in absent)
        raise WeightsMissing(
            f"The weights of `{spec.id}` are not on this computer ({size})",
            hint=f"`pixelmend models pull {spec.id}` downloads them; or name a folder that has "
            "them with --weights",
        )
    return here(spec, models_dir)


def here(spec: ModelSpec, models_dir: Path) -> tuple[Path, ...]:
    """Returns the files of a model that are on this computer, be they all or not."""
    files = in_use(needed(spec), models_dir)
    return tuple(path for file in files for path in installed(file.id, models_dir))


def locate_file(file_id: str, models_dir: Path) -> tuple[Path, ...]:
    """Returns what is here of one weight file that a task needs whatever its model is.

    Raises:
        WeightsMissing: It is not on this computer.
    """
    if paths := installed(file_id, models_dir):
        return paths
    check_readable(file_id, models_dir)
    raise WeightsMissing(
        f"The weights `{file_id}` are not on this computer ({catalog()[file_id].size})",
        hint=f"`pixelmend models pull {file_id}` downloads them",
    )


def files_at(path: Path) -> tuple[Path, ...]:
    """Returns the weight files at a path that the user named: a folder, or one file.

    What is in the folder counts, and what is in those of a model in the layout of diffusers, which
    may be that folder or one in it.

    Raises:
        WeightsMissing: There are none.
        WeightsNotReadable: This user may not look.
    """
    with as_not_readable(path):
        return _files_at(path)


def _files_at(path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise WeightsMissing(
            f"There is no file or folder with weights at `{path}`", hint="Check the path"
        )
    layout = (
        folder for name in DIFFUSERS for start in ("", "*/") for folder in path.glob(start + name)
    )
    if files := (
        *files_in(path),
        *(file for folder in sorted(layout) for file in files_in(folder)),
    ):
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
