"""What is remembered of each weight file: what came, from where, and what became of it."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pixelmend.atomic import atomic_write_text
from pixelmend.printable import without_passwords
from pixelmend_engine.catalog.weight_files import PROOF_WORDS, SHA256, Verification
from pixelmend_engine.weights import models_folder

DRIVE_ID = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One file's story. It outlives the weights: later downloads are held to its hash."""

    sha256: str | None = None  # of the file as it was published; None: it never was at hand
    size_bytes: int | None = None  # of the same
    source: str = ""  # an address, or the name of a file or bundle that was imported
    verification: Verification | None = None  # how it was known to be the published file
    drive_id: str | None = None  # of a file that was found in a folder
    refused: str = ""  # why what came last was not accepted; nobody fetches it again unasked
    installed_sha256: str | None = None  # of what it was converted to; None: nothing is installed


def _is_hash(value: object) -> bool:
    return value is None or (isinstance(value, str) and SHA256.fullmatch(value) is not None)


def _is_size(value: object) -> bool:
    return value is None or (type(value) is int and value > 0)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_drive_id(value: object) -> bool:
    return value is None or (isinstance(value, str) and DRIVE_ID.fullmatch(value) is not None)


FIELDS: Mapping[str, Callable[[object], bool]] = {  # what each may hold
    "sha256": _is_hash,
    "size_bytes": _is_size,
    "source": _is_text,
    "drive_id": _is_drive_id,
    "refused": _is_text,
    "installed_sha256": _is_hash,
}


def to_json(record: Record) -> dict[str, Any]:
    """Writes a record as it lies on disk and in bundles."""
    entry = dataclasses.asdict(record)
    verification = entry.pop("verification")
    return entry | {"proof": verification and PROOF_WORDS[verification]}


def from_json(entry: Mapping[str, Any]) -> Record:
    """Reads a record.

    Raises:
        TypeError: It has a field that none has.
        ValueError: A field holds what it can't: it is only text on a disk, or in a bundle.
    """
    fields = dict(entry)
    for name, value in fields.items():
        sound = FIELDS.get(name)
        if sound is not None and not sound(value):
            raise ValueError(name)
    word = fields.pop("proof", None)
    verifications: dict[object, Verification] = {word: key for key, word in PROOF_WORDS.items()}
    if word is not None and word not in verifications:
        raise ValueError(word)
    # Of an early version, which wrote down a mirror's address as it was given.
    fields |= {
        name: without_passwords(fields[name]) for name in ("source", "refused") if name in fields
    }
    return Record(verification=verifications.get(word), **fields)


class Records:
    """The records of one models folder; nothing is read before it is asked for."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._folder = models_dir / "records"

    def get(self, file_id: str) -> Record:
        """Returns what is remembered; an empty record where nothing is."""
        try:
            entry: object = json.loads(self._path(file_id).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return Record()
        try:
            return from_json(cast("dict[str, Any]", entry) if isinstance(entry, dict) else {})
        except (ValueError, TypeError):
            return Record()

    def put(self, file_id: str, record: Record) -> None:
        """Remembers it, whole or not at all."""
        models_folder.make_inside(self._models_dir, self._folder.name)
        atomic_write_text(self._path(file_id), json.dumps(to_json(record), indent=1))
        models_folder.share(self._path(file_id), self._models_dir)

    def forget(self, file_id: str) -> None:
        """Remembers nothing of it any more."""
        self._path(file_id).unlink(missing_ok=True)

    def _path(self, file_id: str) -> Path:
        return self._folder / f"{file_id}.json"
