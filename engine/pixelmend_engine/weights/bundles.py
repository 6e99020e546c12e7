"""Weights in one file, for a machine without a network. Read and written without torch."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pixelmend.atomic import as_output_failed, move_into_place
from pixelmend.errors import OutputExists, OutputFailed, UnreadableCheckpoint, WeightsMissing
from pixelmend_engine.catalog.weight_files import Catalog, WeightFile
from pixelmend_engine.weights import records, store
from pixelmend_engine.weights.checkpoints import archives
from pixelmend_engine.weights.installer import Installer, expected_shapes, installed_shapes
from pixelmend_engine.weights.records import Record

INDEX = "pixelmend-weights.json"
VERSION = 1
MAX_INDEX = 1024 * 1024  # bytes


@dataclass(frozen=True)
class BundledFile:
    """What a bundle says of one of its files, as far as it is compared with anything."""

    id: str
    installed_sha256: str
    sha256: str | None  # of the published file that it was made from; its maker's word


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
        WeightsNotReadable: This user may not read one of them.
        OutputExists: There is a file of that name.
        OutputFailed: It can't be written.
    """
    with as_output_failed(path):
        is_there = path.exists()
    if is_there:
        raise OutputExists(f"`{path}` is there already", hint="Name another file")
    places = {file.id: store.path_of(file.id, installer.models_dir) for file in files}
    for file in files:
        store.check_readable(file.id, installer.models_dir)
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
            _install(installer, catalog.find(entry.id), entry, archive, path)
            for entry in _entries(archive, path)
        ]


def _entries(archive: zipfile.ZipFile, path: Path) -> list[BundledFile]:
    if archive.getinfo(INDEX).file_size > MAX_INDEX:
        raise _damaged(path, "its index is too long")
    text = archives.read(archive, INDEX, path)
    try:
        index: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "its index is none") from error
    fields = cast("dict[str, object]", index) if isinstance(index, dict) else {}
    version, files = fields.get("version"), fields.get("files")
    if type(version) is not int or not isinstance(files, list):
        raise _damaged(path, "its index is none")
    if version != VERSION:
        raise _damaged(path, f"its version is {version}, and not {VERSION}")
    return [_entry(file, path) for file in cast("list[object]", files)]


def _entry(entry: object, path: Path) -> BundledFile:
    fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    file_id = fields.pop("id", None)
    try:
        record = records.from_json(fields)
    except (TypeError, ValueError) as error:
        raise _damaged(path, "its index is none") from error
    if not isinstance(file_id, str) or record.installed_sha256 is None:
        raise _damaged(path, "its index is none")
    return BundledFile(file_id, record.installed_sha256, record.sha256)


def _install(
    installer: Installer,
    file: WeightFile,
    exported: BundledFile,
    archive: zipfile.ZipFile,
    path: Path,
) -> WeightFile:
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
        if installed_shapes(file, temporary) != expected_shapes(file):
            raise _damaged(path, f"`{name}` has other names or shapes than the published file")

    # What else the bundle's maker says (hashes, Drive's ids, what was refused) can't be seen here,
    # and would decide what is fetched the next time: what was known before stays known.
    record = Record(
        sha256=before.sha256,
        size_bytes=before.size_bytes,
        source=f"bundle {path.name}",
        verification="structure",
        drive_id=before.drive_id,
    )
    installer.install(file, unpack, record)
    return file


def _damaged(path: Path, why: str) -> UnreadableCheckpoint:
    return UnreadableCheckpoint(
        f"The bundle is damaged ({why}): `{path.name}`", hint="Export it again"
    )
