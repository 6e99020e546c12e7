"""Unpacking archives of checkpoints: into one folder, never beside it, and not without end."""

import contextlib
import errno
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path, PurePosixPath

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.weights.checkpoints.files import SUFFIXES

MAX_MEMBERS = 10_000
MAX_RATIO = 100  # unpacked to packed; weights hardly shrink, bombs do
BLOCK_BYTES = 1024 * 1024  # copied at once
SMALL = 1024 * 1024  # bytes of a member that may shrink as it likes
MAX_BYTES = 64 * 1024**3  # unpacked, in all
DAMAGED = (  # what zipfile raises over archives that are not as they should be
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
FOREIGN = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zX": "an xz archive",
}


def is_archive(path: Path) -> bool:
    """Whether it is a zip archive of files, and not one that torch itself writes."""
    return zipfile.is_zipfile(path) and not any(name.endswith("data.pkl") for name in _names(path))


def refuse_foreign(path: Path) -> None:
    """Names archives that can't be opened here.

    Raises:
        UnreadableCheckpoint: It is one.
    """
    with path.open("rb") as file:
        start = file.read(8)
    for magic, kind in FOREIGN.items():
        if start.startswith(magic):
            raise UnreadableCheckpoint(
                f"The file is {kind}, which Pixelmend can't open: `{path.name}`",
                hint="Unpack it, and run `pixelmend models import FOLDER`",
            )


def unpack(path: Path, folder: Path) -> Sequence[Path]:
    """Unpacks the checkpoints of an archive, and nothing else of it.

    Raises:
        UnreadableCheckpoint: It is damaged, or reaches outside of the folder, or swells.
    """
    with opened(path) as archive:
        members = [info for info in archive.infolist() if _is_checkpoint(info)]
        for info in archive.infolist():
            _refuse_outside(info.filename, path)
        _refuse_bombs(members, path)
        return [_extract(archive, info, folder, path) for info in members]


def opened(path: Path) -> zipfile.ZipFile:
    """Opens an archive.

    Raises:
        UnreadableCheckpoint: It is damaged.
    """
    with _damage(path):
        return zipfile.ZipFile(path)


def copy_out(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, path: Path) -> None:
    """Unpacks one member of the archive at `path`, and compares it with its checksum.

    Raises:
        UnreadableCheckpoint: It is damaged.
    """
    with target.open("wb") as file, _damage(path), archive.open(info) as source:
        shutil.copyfileobj(source, file, BLOCK_BYTES)  # zipfile itself stops at the size it checked


def read(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """Reads a small member of the archive at `path`.

    Raises:
        UnreadableCheckpoint: It is missing or damaged.
    """
    with _damage(path):
        try:
            info = archive.getinfo(name)
        except KeyError as error:
            raise _damaged(path, f"{name} is missing") from error
        return archive.read(info)


def check_sums(path: Path) -> None:
    """Compares what a file that torch wrote holds with its checksums, which torch does not.

    Raises:
        UnreadableCheckpoint: They differ, or it is packed as torch never packs.
    """
    if not zipfile.is_zipfile(path):
        return
    with opened(path) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise _damaged(path, "torch does not compress")
        with _damage(path):
            broken = archive.testzip()
        if broken is not None:
            raise _damaged(path, f"the checksum of {broken} is another")


@contextlib.contextmanager
def _damage(path: Path) -> Generator[None]:
    try:
        yield
    except DAMAGED as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place before the file's beginning
            raise _damaged(path, str(error)) from error
        raise


def _damaged(path: Path, why: str) -> UnreadableCheckpoint:
    return UnreadableCheckpoint(
        f"The file is damaged, or locked ({why}): `{path.name}`", hint="Download it again"
    )


def _names(path: Path) -> list[str]:
    try:
        with opened(path) as archive:
            return archive.namelist()
    except UnreadableCheckpoint:
        return []


def _is_checkpoint(info: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(info.filename)
    # Names with a dot in front, and the folder of their names, are what macOS adds.
    hidden = name.name.startswith(".") or "__MACOSX" in name.parts
    return not info.is_dir() and not hidden and name.suffix in SUFFIXES


def _refuse_outside(name: str, path: Path) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name:
        raise UnreadableCheckpoint(
            f"The archive reaches outside of its folder, and was not opened (`{name}`): "
            f"`{path.name}`",
            hint="Do not use it",
        )


def _refuse_bombs(members: Sequence[zipfile.ZipInfo], path: Path) -> None:
    swells = any(
        info.file_size > SMALL and info.file_size > MAX_RATIO * info.compress_size
        for info in members
    )
    too_large = sum(info.file_size for info in members) > MAX_BYTES
    if swells or too_large or len(members) > MAX_MEMBERS:
        raise UnreadableCheckpoint(
            f"The archive swells beyond what weights are, and was not opened: `{path.name}`",
            hint="Do not use it",
        )


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, path: Path) -> Path:
    target = folder / info.filename
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # one of its files would be another's folder
        raise _damaged(path, str(error)) from error
    copy_out(archive, info, target, path)
    return target
