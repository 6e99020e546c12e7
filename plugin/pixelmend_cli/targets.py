"""Which files a command reads, and which it writes: patterns out, pairs of paths in."""

import glob
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pixelmend.errors import BadRequest, OutputFailed
from pixelmend_engine.images import kinds


@dataclass(frozen=True)
class Target:
    """A file to restore, and the file that the result goes to."""

    source: Path
    result: Path


def plan(
    inputs: Sequence[str],
    *,
    output: Path | None,
    out_dir: Path | None,
    suffix: str,
    ending: str | None = None,
    recursive: bool = False,
) -> list[Target]:
    """Pairs every input with its result: beside it with `suffix`, unless told otherwise.

    The result's file name ends as the input's does, or as such a kind's results do, or with
    `ending`. Of a folder all pictures are taken, with `recursive` those in its folders as well,
    which lie in `out_dir` as they did there.

    An input that is the result of another one is left out: `*.jpg`, typed twice, finds the first
    run's results as well.

    Raises:
        BadRequest: Two results would have the same name, or a folder has no pictures.
    """
    sources = _expand(inputs, recursive=recursive)
    if output is not None and out_dir is not None:
        raise BadRequest("Both -o and --out-dir were given", hint="Give one of them")
    if output is not None:
        if len(sources) > 1:
            raise BadRequest(
                f"-o names one file, but there are {len(sources)} to restore",
                hint="Use --out-dir to put the results into a folder",
            )
        return [Target(next(iter(sources)), output)]
    targets = [
        Target(
            source,
            (out_dir / below if out_dir else source.parent)
            / f"{source.stem}{suffix}{ending or kinds.result_ending(source.name)}",
        )
        for source, below in sources.items()
    ]
    _refuse_collisions(targets)
    results = {target.result for target in targets}
    return [target for target in targets if target.source not in results]


def _expand(inputs: Sequence[str], *, recursive: bool) -> dict[Path, Path]:
    # In order, each once, however it is spelled; and the folder below a folder that was named.
    # Shells on Linux and macOS expand patterns themselves; the one on Windows does not. A pattern
    # that fits nothing stays, and is reported as the file that is not there.
    sources: dict[Path, Path] = {}
    spelled: set[Path] = set()
    for text in inputs:
        path = Path(text)
        if not _exists(path) and (text == "~" or text.startswith(("~/", "~\\"))):
            path = path.expanduser()
        matches: list[str] = []
        if not _exists(path) and glob.has_magic(text):
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob needs its root apart
        files = [Path(match) for match in matches if not Path(match).is_dir()]
        found = {file: Path() for file in files or [path]}
        if _exists(path) and path.is_dir():
            found = _pictures_in(path, recursive=recursive)
        for file, below in found.items():
            one = _spelled_out(file)
            if one not in spelled:
                spelled.add(one)
                sources[file] = below
    return sources


def _spelled_out(path: Path) -> Path:
    try:
        return path.parent.resolve() / path.name
    except OSError:  # a name that no file can have
        return path


def _pictures_in(folder: Path, *, recursive: bool) -> dict[Path, Path]:
    pictures: dict[Path, Path] = {}
    try:
        found = sorted(folder.rglob("*") if recursive else folder.iterdir())
    except OSError as error:
        raise BadRequest(
            f"The folder `{folder}` may not be read: {error.strerror or error}",
            hint="Check its permissions",
        ) from error
    for file in found:
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if kinds.is_picture(file.name) and not hidden and file.is_file():
            pictures[file] = file.parent.relative_to(folder)
    if not pictures:
        raise BadRequest(
            f"There is no picture in the folder `{folder}`",
            hint="Name another" if recursive else "Name another, or use --recursive to look deeper",
        )
    return pictures


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no file can have
        return False


def _refuse_collisions(targets: Sequence[Target]) -> None:
    results = Counter(target.result for target in targets)
    result, count = results.most_common(1)[0]
    if count > 1:
        raise BadRequest(
            f"{count} files would be restored to the same name, `{result}`",
            hint="Restore them into different folders, one after the other",
        )


def without_done(targets: Sequence[Target]) -> list[Target]:
    """Leaves out what has its result already."""
    return [target for target in targets if not _exists(target.result)]


def make_folder(path: Path) -> None:
    """Makes the folder that results go into, unless it is there.

    Raises:
        OutputFailed: It can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"The folder `{path}` can't be made: {error.strerror or error}",
            hint="Name another folder with --out-dir",
        ) from error
