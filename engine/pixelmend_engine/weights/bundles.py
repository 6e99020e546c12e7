"""Weights in one file, for a machine without a network. Read and written without torch."""

import dataclasses
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pixelmend.atomic import move_into_place
from pixelmend.errors import OutputExists, OutputFailed, UnreadableCheckpoint, WeightsMissing
from pixelmend_engine.catalog.weight_files import SHA256, Catalog, WeightFile
from pixelmend_engine.weights import records, store
from pixelmend_engine.weights.checkpoints import archives, safetensors_header
from pixelmend_engine.weights.installer import Installer, expected_shapes
from pixelmend_engine.weights.records import Record

INDEX = "pixelmend-weights.json"
VERSION = 1
MAX_INDEX = 1024 * 1024  # bytes


def is_bundle(path: Path) -> bool:
    """Whether a file is a bundle of weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            return INDEX in archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def write(installer: Installer, files: Sequence[WeightFile], path: Path) -> None:
    """Writes the installed weights of these files into one file.

    Raises:
        WeightsMissing: One of them was not installed by Pixelmend.
        OutputExists: There is a file of that name.
        OutputFailed: It can't be written.
    """
    if path.exists():
        raise OutputExists(f"`{path}` is there already", hint="Name another file")
    places = {file.id: store.place(file.id, installer.models_dir) for file in files}
    for file in files:
        if not places[file.id].is_file():
            raise WeightsMissing(
                f"The weights `{file.id}` are not on this computer",
                hint=f"`pixelmend models pull {file.id}` downloads them",
            )
        if (wrong := installer.verify(file)) is not None:
            raise UnreadableCheckpoint(
                f"`{file.id}` is not as it was installed: {wrong}",
                hint=f"`pixelmend models remove {file.id}`, then pull or import it again",
            )
    index = {
        "version": VERSION,
        "files": [
            {"id": file.id, **records.to_json(installer.records.get(file.id))}
            | {"installed_sha256": store.sha256(places[file.id])}
            for file in files
        ],
    }
    temporary = path.with_name(f".{path.name}.part")
    try:
        # Stored as they are: weights hardly shrink.
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            archive.writestr(INDEX, json.dumps(index, indent=1))
            for file_id, place in places.items():
                archive.write(place, f"{file_id}.safetensors")
        move_into_place(temporary, path)
    except OSError as error:
        raise OutputFailed(
            f"`{path}` can't be written: {error.strerror or error}", hint="Choose another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read(installer: Installer, catalog: Catalog, path: Path) -> list[WeightFile]:
    """Installs what is in a bundle: whole, with the names and shapes of the published files.

    Raises:
        UnreadableCheckpoint: It is damaged, or holds something else; nothing of that is installed.
    """
    with archives.opened(path) as archive:
        return [
            _install(installer, catalog.find(entry["id"]), entry, archive, path)
            for entry in _entries(archive, path)
        ]


def _entries(archive: zipfile.ZipFile, path: Path) -> list[dict[str, Any]]:
    if archive.getinfo(INDEX).file_size > MAX_INDEX:
        raise _damaged(path, "its index is too long")
    try:
        index: Any = json.loads(archive.read(INDEX))
        if index["version"] != VERSION:
            raise _damaged(path, f"its version is {index['version']}, and not {VERSION}")
        entries = cast("list[dict[str, Any]]", index["files"])
        sound = all(
            isinstance(entry["id"], str)
            and SHA256.fullmatch(entry["installed_sha256"])
            and _record_in(entry)
            for entry in entries
        )
    except (ValueError, LookupError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, "its index is none") from error
    if not sound:
        raise _damaged(path, "its index is none")
    return entries


def _record_in(entry: Mapping[str, Any]) -> Record:
    return records.from_json({key: value for key, value in entry.items() if key != "id"})


def _install(
    installer: Installer,
    file: WeightFile,
    entry: dict[str, Any],
    archive: zipfile.ZipFile,
    path: Path,
) -> WeightFile:
    exported = _record_in(entry)
    before = installer.records.get(file.id)
    expected = file.sha256 or before.sha256
    if None not in (expected, exported.sha256) and expected != exported.sha256:
        raise UnreadableCheckpoint(
            f"`{file.id}` in the bundle was made from another file than the published one",
            hint="Ask for a bundle that is made anew",
        )

    def unpack(temporary: Path) -> None:
        name = f"{file.id}.safetensors"
        if name not in archive.namelist():
            raise _damaged(path, f"`{name}` is missing")
        if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            raise _damaged(path, f"`{name}` is packed, and might swell without end")
        archives.copy_out(archive, archive.getinfo(name), temporary, path)
        if store.sha256(temporary) != exported.installed_sha256:
            raise _damaged(path, f"`{name}` is not as it was exported")
        if safetensors_header.shapes(temporary) != expected_shapes(file):
            raise _damaged(path, f"`{name}` has other names or shapes than the published file")

    # Who made the bundle says that it was verified; what can be seen here are names and shapes.
    record = dataclasses.replace(exported, verification="structure", source=f"bundle {path.name}")
    installer.install(file, unpack, record)
    return file


def _damaged(path: Path, why: str) -> UnreadableCheckpoint:
    return UnreadableCheckpoint(
        f"The bundle is damaged ({why}): `{path.name}`", hint="Export it again"
    )
