"""Which files a command reads, and which it writes: patterns out, pairs of paths in."""

import glob
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pixelmend.errors import BadRequest, OutputFailed


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
) -> list[Target]:
    """Pairs every input with its result: beside it with `suffix`, unless told otherwise.

    The result's file name ends as the input's does, or with `ending`.

    An input that is the result of another one is left out: `*.jpg`, typed twice, finds the first
    run's results as well.

    Raises:
        BadRequest: Two results would have the same name.
    """
    sources = _expand(inputs)
    if output is not None and out_dir is not None:
        raise BadRequest("Both -o and --out-dir were given", hint="Give one of them")
    if output is not None:
        if len(sources) > 1:
            raise BadRequest(
                f"-o names one file, but there are {len(sources)} to restore",
                hint="Use --out-dir to put the results into a folder",
            )
        return [Target(sources[0], output)]
    targets = [
        Target(
            source, (out_dir or source.parent) / f"{source.stem}{suffix}{ending or source.suffix}"
        )
        for source in sources
    ]
    _refuse_collisions(targets)
    results = {target.result for target in targets}
    return [target for target in targets if target.source not in results]


def _expand(inputs: Sequence[str]) -> list[Path]:
    # Shells on Linux and macOS expand patterns themselves; the one on Windows does not. A pattern
    # that fits nothing stays, and is reported as the file that is not there.
    sources: dict[Path, None] = {}  # in order, each once
    for text in inputs:
        path = Path(text)
        if not _exists(path) and (text == "~" or text.startswith(("~/", "~\\"))):
            path = path.expanduser()
        matches: list[str] = []
        if not _exists(path) and glob.has_magic(text):
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob needs its root apart
        files = [Path(match) for match in matches if not Path(match).is_dir()]
        sources.update(dict.fromkeys(files or [path]))
    return list(sources)


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
