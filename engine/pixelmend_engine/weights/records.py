"""What is remembered of each weight file: what came, from where, and what became of it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from pixelmend_engine.catalog.weight_files import Proof


@dataclass(frozen=True, kw_only=True)
class Record:
    """One file's story. It outlives the weights: later downloads are held to its hash."""

    sha256: str | None = None  # of the file as it was published; None: it never was at hand
    size_bytes: int | None = None  # of the same
    source: str = ""  # an address, or the name of a file or bundle that was imported
    proof: Proof | None = None  # that there was
    drive_id: str | None = None  # of a file that was found in a folder
    refused: str = ""  # why what came last was not accepted; nobody fetches it again unasked
    installed_sha256: str | None = None  # of what it was converted to; None: nothing is installed


class Records:
    """The records of one models folder; nothing is read before it is asked for."""

    def __init__(self, models_dir: Path) -> None:
        self._folder = models_dir / "records"

    def get(self, file_id: str) -> Record:
        """Returns what is remembered; an empty record where nothing is."""
        try:
            return Record(**json.loads(self._path(file_id).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Record()

    def put(self, file_id: str, record: Record) -> None:
        """Remembers it, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._path(file_id).with_suffix(".new")
        beside.write_text(json.dumps(dataclasses.asdict(record), indent=1), encoding="utf-8")
        beside.replace(self._path(file_id))

    def forget(self, file_id: str) -> None:
        """Remembers nothing of it any more."""
        self._path(file_id).unlink(missing_ok=True)

    def _path(self, file_id: str) -> Path:
        return self._folder / f"{file_id}.json"
