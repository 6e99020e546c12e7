"""What has become of each picture of an archive: one SQLite file, and the only truth about it.

A write-ahead log keeps it whole however the process ends. One process writes; the lock sees to it.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from pixelmend.errors import BadRequest, OutputExists, OutputFailed, PixelmendError
from pixelmend_engine.batch.records import Lease, Outcome, SourcePicture, Totals

FOLDER = ".pixelmend"  # in the folder of the results
NAME = "batch.sqlite"
VERSION = 1
APPLICATION = 0x50786D64  # "Pxmd", by which SQLite files are told apart

NAMES = ("address", "result", "result_key")  # that may be no text
STRANGER = OutputExists(
    "A file of the result's name is there already, and is not of this batch",
    hint="Move it away, or name another folder for the results",
)

TABLES = """
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    address ANY NOT NULL UNIQUE, -- below the source; text, or bytes that are none
    result ANY NOT NULL, -- below the results, the same
    result_key ANY NOT NULL UNIQUE, -- as the results' file system tells names apart
    ours INTEGER NOT NULL DEFAULT 0, -- whether what is there by that name is ours to replace
    size_bytes INTEGER NOT NULL,
    modified TEXT NOT NULL, -- when, as the source says it
    content TEXT, -- SHA-256 of what was restored
    options TEXT, -- hash of how it was restored: tasks, options, model
    state TEXT NOT NULL,
    listed INTEGER NOT NULL, -- number of the run that found it last
    alone INTEGER NOT NULL DEFAULT 0, -- a worker broke with it in hand: it gets one to itself
    attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT, -- of which worker, while it is running
    leased_at REAL, -- seconds since 1970
    finished_at REAL,
    seconds REAL, -- of computing
    pixels INTEGER, -- of the source
    device TEXT,
    worker TEXT, -- which finished it, and where
    peak_bytes INTEGER,
    code TEXT, -- of the error
    message TEXT,
    hint TEXT,
    facts TEXT NOT NULL DEFAULT '{}' -- JSON: model, notes, faces
) STRICT;
CREATE INDEX states ON pictures (state, alone, id);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class DamagedManifest(Exception):
    """The manifest can't be read; it says why."""


class Manifest:
    """The pictures of one batch."""

    def __init__(self, path: Path, *, lock: bool = True) -> None:
        """Opens the manifest, or makes one.

        Raises:
            DamagedManifest: It is there, and can't be read.
            BadRequest: Another process has it, or a newer Pixelmend wrote it.
            OutputFailed: It can't be made.
        """
        self.path = path
        self._lock = filelock.FileLock(path.with_suffix(".lock")) if lock else None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if self._lock is not None:
                self._lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise BadRequest(
                f"Another `pixelmend batch` works on `{path.parent.parent}`",
                hint="Wait for it, or end it; what it has done is kept",
            ) from error
        except OSError as error:
            raise OutputFailed(
                f"The folder of the results can't be written to ({error.strerror or error}): "
                f"`{path.parent.parent}`",
                hint="Check its permissions, or name another folder",
            ) from error
        try:
            self._database = self._opened()
        except BaseException:
            self._unlock()
            raise

    def _opened(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            database.row_factory = sqlite3.Row
            with contextlib.closing(database.execute("PRAGMA user_version")) as cursor:
                version = int(cursor.fetchone()[0])
            database.execute("PRAGMA journal_mode = WAL")
            # A power cut may take the last moments; what it takes is done again, never half done.
            database.execute("PRAGMA synchronous = NORMAL")
            if version == 0 and not _has_tables(database):
                database.executescript(f"BEGIN; {TABLES}")
                database.execute(f"PRAGMA user_version = {VERSION}")
                database.execute(f"PRAGMA application_id = {APPLICATION}")
                database.execute("COMMIT")
                version = VERSION
            elif database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise DamagedManifest("its pages are damaged")
        except sqlite3.DatabaseError as error:
            if "readonly" in str(error) or "unable to open" in str(error):
                raise OutputFailed(
                    f"The manifest can't be written to ({error}): `{self.path}`",
                    hint="Check its permissions, or name another folder for the results",
                ) from error
            raise DamagedManifest(str(error)) from error
        if version > VERSION:
            raise BadRequest(
                f"The manifest was written by a newer Pixelmend: `{self.path}`",
                hint="Update Pixelmend, or name another folder for the results",
            )
        if version != VERSION:
            raise DamagedManifest(f"its version is {version}")
        return database

    def close(self) -> None:
        """Leaves one file on the disk, without a log beside it."""
        with contextlib.suppress(sqlite3.DatabaseError):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Holds together what is written meanwhile: all of it, or nothing.

        Raises:
            OutputFailed: The disk is full, or gone.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise OutputFailed(
                f"The manifest can't be written to ({error}): `{self.path}`",
                hint="Make room on its disk, and go on with the same command",
            ) from error

    # --- Listing ------------------------------------------------------------------------------

    def begin_run(self, *, fresh: bool) -> int:
        """Returns the number of this run; what a killed one had in hand waits again.

        With `fresh`, everything does.
        """
        run = int(self.fact("run") or 0) + 1
        with self.transaction():
            self._put_fact("run", str(run))
            states = (
                "('running', 'done', 'failed', 'skipped')" if fresh else "('running', 'failed')"
            )
            forget = ", options = NULL" if fresh else ""
            self._database.execute(
                "UPDATE pictures SET state = 'waiting', lease = NULL, alone = 0, attempts = 0, "
                f"code = NULL, message = NULL, hint = NULL{forget} WHERE state IN {states}"
            )
        return run

    def list_pictures(
        self, pictures: Sequence[SourcePicture], run: int, options: str
    ) -> list[SourcePicture]:
        """Takes in what the listing found; returns those whose result is another's as well.

        What is done with the same options, and has not changed, stays done.
        """
        collisions: list[SourcePicture] = []
        with self.transaction():
            for picture in pictures:
                try:
                    self._database.execute(
                        """
                        INSERT INTO pictures
                            (address, result, result_key, size_bytes, modified, state, listed)
                        VALUES (:address, :result, :result_key, :size_bytes, :modified,
                            'waiting', :run)
                        ON CONFLICT (address) DO UPDATE SET
                            state = CASE
                                WHEN state IN ('done', 'skipped')
                                    AND options = :options AND result = :result
                                    AND size_bytes = :size_bytes AND modified = :modified
                                THEN state ELSE 'waiting' END,
                            -- Another time of change alone need not be another picture.
                            content = CASE
                                WHEN options = :options AND result = :result THEN content END,
                            ours = CASE WHEN result = :result THEN ours ELSE 0 END,
                            result = :result, result_key = :result_key,
                            size_bytes = :size_bytes, modified = :modified, listed = :run
                        """,
                        asdict(picture)
                        | {name: _stored(getattr(picture, name)) for name in NAMES}
                        | {"run": run, "options": options},
                    )
                except sqlite3.IntegrityError:  # by the result's name
                    collisions.append(picture)
        return collisions

    def list_failed(self, picture: SourcePicture, run: int, error: PixelmendError) -> None:
        """Takes in a picture that can't be restored because of its result's name."""
        row = asdict(picture) | {name: _stored(getattr(picture, name)) for name in NAMES}
        # Two pictures can't have the name; this one has none.
        row["result_key"] = os.fsencode(f"{picture.address}\0")
        error_fields = {"code": error.code, "message": error.message, "hint": error.hint}
        with self.transaction():
            self._database.execute(
                """
                INSERT INTO pictures (address, result, result_key, size_bytes, modified, state,
                    listed, code, message, hint, attempts)
                VALUES (:address, :result, :result_key, :size_bytes, :modified, 'failed', :run,
                    :code, :message, :hint, 0)
                ON CONFLICT (address) DO UPDATE SET listed = :run, state = 'failed', code = :code,
                    message = :message, hint = :hint
                """,
                row | error_fields | {"run": run},
            )

    def end_listing(self, run: int) -> int:
        """Forgets pictures that are no longer in the source, and not done; returns how many."""
        with self.transaction():
            return self._database.execute(
                "DELETE FROM pictures WHERE listed != ? AND state != 'done'", (run,)
            ).rowcount

    # --- Work ---------------------------------------------------------------------------------

    def lease(
        self, worker: str, most: int, exists: Callable[[str], bool], *, alone: bool = False
    ) -> list[Lease]:
        """Gives a worker the next pictures that wait; `alone`: one that has broken a worker.

        `exists` says whether there is a result; if it is not ours, the picture fails.
        """
        now = time.time()
        rows = self._database.execute(
            "SELECT id, address, result, content, ours, size_bytes FROM pictures "
            "WHERE state = 'waiting' AND alone = ? ORDER BY id LIMIT ?",
            (int(alone), most),
        ).fetchall()
        leases: list[Lease] = []
        for row in rows:
            lease = Lease(
                id=row["id"],
                address=_text(row["address"]),
                result=_text(row["result"]),
                replaces=bool(row["ours"]),
                content=row["content"],
                size_bytes=row["size_bytes"],
            )
            if not lease.replaces and exists(lease.result):
                self.fail(lease.id, STRANGER)
                continue
            # From now on: who has the lease may write the result, and not live to say so.
            self._database.execute(
                "UPDATE pictures SET state = 'running', lease = ?, leased_at = ?, ours = 1 "
                "WHERE id = ?",
                (worker, now, lease.id),
            )
            leases.append(lease)
        return leases

    def fail(self, picture: int, error: PixelmendError) -> None:
        """Takes note that a picture failed, before a worker had it."""
        self._database.execute(
            "UPDATE pictures SET state = 'failed', code = ?, message = ?, hint = ?, "
            "finished_at = ? WHERE id = ?",
            (error.code, error.message, error.hint, time.time(), picture),
        )

    def finish(self, outcome: Outcome, worker: str, options: str) -> None:
        """Takes note of what became of a picture."""
        if outcome.unchanged:
            self._database.execute(
                "UPDATE pictures SET state = 'done', lease = NULL, alone = 0 WHERE id = ?",
                (outcome.id,),
            )
            return
        self._database.execute(
            """
            UPDATE pictures SET
                state = :state, lease = NULL, alone = 0, worker = :worker, options = :options,
                content = coalesce(:content, content), finished_at = :now, seconds = :seconds,
                pixels = :pixels, device = :device, peak_bytes = :peak_bytes, code = :code,
                message = :message, hint = :hint, facts = :facts, attempts = attempts + 1,
                ours = CASE WHEN :code = 'output-exists' THEN 0 ELSE ours END
            WHERE id = :id
            """,
            asdict(outcome)
            | {
                "worker": worker,
                "options": options,
                "now": time.time(),
                "facts": json.dumps(outcome.facts),
            },
        )

    def give_back(
        self, pictures: Iterable[int], *, tried: bool = False, broke: bool = False
    ) -> None:
        """Lets pictures wait again; `tried`: they were to blame that it did not end well.

        `broke`: a worker ended with them in hand, so that each gets one to itself.
        """
        self._database.executemany(
            "UPDATE pictures SET state = 'waiting', lease = NULL, alone = max(alone, ?), "
            "attempts = attempts + ? WHERE id = ?",
            [(int(broke), int(tried), picture) for picture in pictures],
        )

    def fail_exhausted(self, retries: int, error: PixelmendError) -> int:
        """Lets pictures fail that were tried often enough; returns how many."""
        return self._database.execute(
            "UPDATE pictures SET state = 'failed', code = ?, message = ?, hint = ?, "
            "finished_at = ? WHERE state = 'waiting' AND attempts > ?",
            (error.code, error.message, error.hint, time.time(), retries),
        ).rowcount

    def has_waiting(self) -> bool:
        """Whether a picture waits."""
        row = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM pictures WHERE state = 'waiting')"
        )
        return bool(row.fetchone()[0])

    def tried(self, picture: int) -> int:
        """Returns how often a picture was tried in this run."""
        row = self._database.execute("SELECT attempts FROM pictures WHERE id = ?", (picture,))
        return int(row.fetchone()[0])

    def adopt(self, address: str, options: str, facts: dict[str, Any]) -> None:
        """Takes a result that is there for ours, where the manifest of it was lost."""
        self._database.execute(
            "UPDATE pictures SET state = 'done', ours = 1, options = ?, finished_at = ?, "
            "facts = ? WHERE address = ? AND state = 'waiting'",
            (options, time.time(), json.dumps(facts), _stored(address)),
        )

    # --- Reading ------------------------------------------------------------------------------

    def totals(self) -> Totals:
        """Counts the pictures by state."""
        counts = {
            row[0]: row[1]
            for row in self._database.execute("SELECT state, count(*) FROM pictures GROUP BY state")
        }
        pixels, seconds = self._database.execute(
            "SELECT coalesce(sum(pixels), 0), coalesce(sum(seconds), 0.0) FROM pictures "
            "WHERE state = 'done'"
        ).fetchone()
        return Totals(pixels=pixels, seconds=seconds, **counts)

    def rows(self, where: str = "1", values: Sequence[object] = ()) -> Iterator[dict[str, Any]]:
        """Yields pictures one by one, `facts` as they were put; `where` is ours, never a user's."""
        for row in self._database.execute(f"SELECT * FROM pictures WHERE {where}", values):
            picture = dict(row) | {name: _text(row[name]) for name in NAMES}
            yield picture | {"facts": json.loads(picture["facts"])}

    def fact(self, name: str) -> str | None:
        """Returns something that was noted of the batch as a whole."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def copy_to(self, path: Path) -> None:
        """Writes all of it to another file, as it is now."""
        with contextlib.closing(sqlite3.connect(path)) as other:
            self._database.backup(other)

    def put_fact(self, name: str, value: str) -> None:
        """Notes something of the batch as a whole."""
        with self.transaction():
            self._put_fact(name, value)

    def _put_fact(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def _stored(name: str) -> str | bytes:
    # File systems know names that are no text.
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else os.fsdecode(name)


def _has_tables(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def copy(path: Path, to: Path) -> None:
    """Copies a manifest that another process may be writing.

    Raises:
        DamagedManifest: It can't be read.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as one,
            contextlib.closing(sqlite3.connect(to)) as other,
        ):
            one.backup(other)
    except sqlite3.DatabaseError as error:
        raise DamagedManifest(str(error)) from error


def set_aside(path: Path) -> Path:
    """Keeps a damaged manifest under another name, with its log; returns that name."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    shutil.move(path, aside)
    for ending in ("-wal", "-shm"):
        log = path.with_name(path.name + ending)
        if log.exists():
            shutil.move(log, aside.with_name(aside.name + ending))
    return aside
