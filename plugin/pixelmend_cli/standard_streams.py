"""`-` for the name of a picture: read from standard input, written to standard output."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pixelmend.errors import BadRequest
from pixelmend_cli.terminal import StreamFailed

STREAM = "-"
NAME = "standard input"  # as messages have it


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a command's inputs and its result are called once streams have become files."""

    inputs: Sequence[str]
    output: Path | None
    printed: bool = False  # the result goes to standard output, which then holds nothing else


@contextlib.contextmanager
def as_files(
    inputs: Sequence[str], output: Path | None, *, out_dir: Path | None, as_json: bool
) -> Generator[Named]:
    """Gives streams the names of files in a folder of their own; writes the result out at the end.

    Where nothing was restored, nothing is written.

    Raises:
        BadRequest: Several pictures would go one way, or one to a terminal.
        StreamFailed: The result can't be written.
    """
    from pixelmend_engine.images import files

    printed = output == Path(STREAM) or (STREAM in inputs and output is None and out_dir is None)
    if STREAM not in inputs and not printed:
        yield Named(inputs=inputs, output=output)
        return
    if len(inputs) > 1:
        raise BadRequest(
            "`-` stands for one picture, but there are more", hint="Restore the files by themselves"
        )
    if printed and as_json:
        raise BadRequest(
            "Standard output can't hold the picture and JSON", hint="Name the result with -o"
        )
    if printed and sys.stdout.isatty():
        raise BadRequest(
            "The picture would go to this terminal",
            hint="Name a file with -o, or send it on with `>` or `|`",
        )
    with tempfile.TemporaryDirectory(prefix="pixelmend-") as folder:
        path = Path(inputs[0])
        if inputs[0] == STREAM:
            path = Path(folder) / NAME
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            path = path.rename(path.with_suffix(files.ending_for(path)))
        result = Path(folder) / f"result{path.suffix}" if printed else output
        yield Named(inputs=[str(path)], output=result, printed=printed)
        if printed and result is not None and result.exists():
            _send(result)


def _send(path: Path) -> None:
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StreamFailed(error.errno, error.strerror) from error
