"""What is remembered of each weight file: what came, from where, and what became of it."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixelmend.atomic import atomic_write_text
from pixelmend_engine.catalog.weight_files import PROOF_WORDS, Verification


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


def to_json(record: Record) -> dict[str, Any]:
    """Writes a record as it lies on disk and in bundles."""
    entry = dataclasses.asdict(record)
    verification = entry.pop("verification")
    return entry | {"proof": verification and PROOF_WORDS[verification]}


def from_json(entry: Mapping[str, Any]) -> Record:
    """Reads a record.

    Raises:
        TypeError: It has a field that none has.
        ValueError: It names a verification that there is not.
    """
    fields = dict(entry)
    word = fields.pop("proof", None)
    verifications: dict[object, Verification] = {word: key for key, word in PROOF_WORDS.items()}
    if word is not None and word not in verifications:
        raise ValueError(word)
    return Record(verification=verifications.get(word), **fields)


class Records:
    """The records of one models folder; nothing is read before it is asked for."""

    def __init__(self, models_dir: Path) -> None:
        self._folder = models_dir / "records"

    def get(self, file_id: str) -> Record:
        """Returns what is remembered; an empty record where nothing is."""
        try:
            return from_json(json.loads(self._path(file_id).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return Record()

    def put(self, file_id: str, record: Record) -> None:
        """Remembers it, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        atomic_write_text(self._path(file_id), json.dumps(to_json(record), indent=1))

    def forget(self, file_id: str) -> None:
        """Remembers nothing of it any more."""
        self._path(file_id).unlink(missing_ok=True)

    def _path(self, file_id: str) -> Path:
        return self._folder / f"{file_id}.json"
