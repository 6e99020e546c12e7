"""The user's own downloads, recognized by what is in them. torch comes with this module."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pixelmend.errors import BadRequest, PixelmendError, UnreadableCheckpoint, WrongFile
from pixelmend_engine.catalog.weight_files import Catalog, WeightFile
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints import archives, conversion
from pixelmend_engine.weights.checkpoints.conversion import Checkpoint
from pixelmend_engine.weights.checkpoints.files import SUFFIXES
from pixelmend_engine.weights.installer import Installer
from pixelmend_engine.weights.records import Record


@dataclass(frozen=True)
class ImportCandidate:
    """What may be one published file: a checkpoint, an archive, or a folder of checkpoints."""

    path: Path
    checkpoints: Sequence[Checkpoint]
    sha256: str | None  # None: a folder has none


def import_path(
    installer: Installer,
    catalog: Catalog,
    path: Path,
    chosen: WeightFile | None,
    say: Callable[[str], None],
) -> list[WeightFile]:
    """Installs every published file that is found at a path; the path itself is left as it is.

    `chosen` settles what the path holds, where names and shapes fit several files.

    Raises:
        BadRequest: There is nothing at the path, or it may be one file or another.
        UnreadableCheckpoint: It is damaged or dangerous, or no published file.
        WeightsNotReadable: This user may not read it.
        WrongFile: It has the names and shapes of a published file, but is another one.
    """
    with store.as_not_readable(path):
        if not path.exists():
            raise BadRequest(f"There is no file or folder `{path}`", hint="Check the path")
        candidate_paths = list(_candidate_paths(path))
    workdir = installer.workdir()
    files = [chosen] if chosen is not None else list(catalog.files)
    installed: list[WeightFile] = []
    problems: list[PixelmendError] = []
    for candidate_path in candidate_paths:
        with contextlib.ExitStack() as stack:
            checkpoints, unreadable = _open(candidate_path, workdir, stack)
            problems += unreadable
            for candidate in _candidates(candidate_path, checkpoints):
                try:
                    if file := _recognize(candidate, files, installer):
                        _install(installer, file, candidate)
                        installed.append(file)
                        say(f"Imported `{file.id}` from {candidate.path.name}")
                except PixelmendError as error:
                    problems.append(error)
    if installed:
        for problem in problems:
            say(problem.message)
    if not installed and problems:
        raise problems[0]
    if not installed:
        raise UnreadableCheckpoint(
            f"There are no published weights that Pixelmend knows in `{path.name}`",
            hint="`pixelmend models list --files` shows what it knows; weights of your own are "
            "used with --weights",
        )
    return installed


def _candidate_paths(path: Path) -> Iterator[Path]:
    # A folder's checkpoints belong together, those of the folders in it apart from them.
    if path.is_file():
        yield path
        return
    if any(p.suffix in SUFFIXES for p in path.iterdir() if p.is_file()):
        yield path
    for below in sorted(path.iterdir()):
        if below.is_dir() and not below.name.startswith("."):
            yield from _candidate_paths(below)
        elif below.is_file() and below.suffix == ".zip" and archives.is_archive(below):
            yield below


def _open(
    path: Path, workdir: Path, stack: contextlib.ExitStack
) -> tuple[list[Checkpoint], list[PixelmendError]]:
    files = [path]
    if path.is_dir():
        files = [p for p in sorted(path.iterdir()) if p.is_file() and p.suffix in SUFFIXES]
    checkpoints: list[Checkpoint] = []
    problems: list[PixelmendError] = []
    for file in files:
        try:
            checkpoints += stack.enter_context(conversion.open_checkpoints(file, workdir))
        except UnreadableCheckpoint as error:
            problems.append(error)  # and the others may be sound
        except OSError as error:
            reason = f"`{file.name}` can't be read or unpacked: {error.strerror or error}"
            problems.append(UnreadableCheckpoint(reason, hint="Check permissions and disk space"))
    return checkpoints, problems


def _candidates(path: Path, checkpoints: Sequence[Checkpoint]) -> Iterator[ImportCandidate]:
    # Several networks in one archive or folder, or one in each file.
    if len(checkpoints) > 1:
        yield ImportCandidate(path, checkpoints, store.sha256(path) if path.is_file() else None)
    for checkpoint in checkpoints:
        # Also out of an archive: who packed a published file did not change it.
        yield ImportCandidate(checkpoint.path, [checkpoint], store.sha256(checkpoint.path))


def _recognize(
    candidate: ImportCandidate, files: Sequence[WeightFile], installer: Installer
) -> WeightFile | None:
    one = len(candidate.checkpoints) == 1
    possible = [file for file in files if one == (len(file.parts) == 1)]
    matching = [file for file in possible if _matches(file, candidate.checkpoints)]
    if len(files) == len(possible) == 1 and not matching:
        conversion.select_tensors(files[0], candidate.checkpoints)  # raises, and says what differs
    for file in matching:
        if candidate.sha256 and candidate.sha256 in (
            file.sha256,
            installer.records.get(file.id).sha256,
        ):
            return file
    paths = [candidate.path, *(checkpoint.path for checkpoint in candidate.checkpoints)]
    named = [f for f in matching if any(_is_named(f, path) for path in paths)] or matching
    if len(named) > 1:
        raise BadRequest(
            f"`{candidate.path.name}` fits several files: {', '.join(f.id for f in named)}",
            hint="Say which it is, with --as ID",
        )
    return named[0] if named else None


def _matches(file: WeightFile, checkpoints: Sequence[Checkpoint]) -> bool:
    with contextlib.suppress(UnreadableCheckpoint):
        conversion.select_tensors(file, checkpoints)
        return True
    return False


def _is_named(file: WeightFile, path: Path) -> bool:
    name = file.name.lower()
    names = [part.lower() for part in path.parts]
    names.append(path.stem.lower())
    return name in names or path.as_posix().lower().endswith(f"/{name}")


def _install(installer: Installer, file: WeightFile, candidate: ImportCandidate) -> None:
    known = installer.records.get(file.id)
    expected = file.sha256 or known.sha256
    if None not in (expected, candidate.sha256) and expected != candidate.sha256:
        raise WrongFile(
            f"`{candidate.path.name}` has the names and shapes of `{file.id}`, but another SHA-256",
            hint="Download it again; weights of your own are used with --weights"
            if file.sha256
            else f"`pixelmend models remove --forget {file.id}` forgets the one that was here",
        )
    record = Record(
        sha256=candidate.sha256 or known.sha256,
        size_bytes=candidate.path.stat().st_size if candidate.sha256 else known.size_bytes,
        source=f"imported from {candidate.path.name}",
        verification="pinned_hash"
        if candidate.sha256 is not None and candidate.sha256 == file.sha256
        else known.verification
        if candidate.sha256 is not None and candidate.sha256 == known.sha256
        else "structure",
        drive_id=known.drive_id,
    )
    installer.install(
        file,
        lambda temporary: conversion.write(
            conversion.select_tensors(file, candidate.checkpoints), file, temporary
        ),
        record,
    )
