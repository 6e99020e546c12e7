"""Weight files onto this computer: downloaded, verified, converted, remembered; one at a time each.

models/ID/ID.safetensors     what models are loaded from
models/records/ID.json       what came, from where, and its hash
models/originals/ID/         the published file, where it is kept
models/downloads/            what is on its way
"""

import contextlib
import dataclasses
import logging
import os
import shutil
import time
from collections.abc import Callable, Generator
from pathlib import Path

import filelock
import psutil

from pixelmend.atomic import move_into_place
from pixelmend.errors import DiskFull, OutputFailed, UnreadableCheckpoint, WeightsMissing, WrongFile
from pixelmend_engine.catalog.weight_files import DriveFile, Verification, WeightFile, manifest
from pixelmend_engine.weights import models_folder, store
from pixelmend_engine.weights.checkpoints import safetensors_header
from pixelmend_engine.weights.download.download import (
    ByteProgress,
    Download,
    DownloadedFile,
    KnownFile,
)
from pixelmend_engine.weights.download.network_settings import Network, RetryPolicy
from pixelmend_engine.weights.download.partial_file import PartialFile
from pixelmend_engine.weights.records import Record, Records

logger = logging.getLogger(__name__)

POLL_S = 0.1


def free_bytes(folder: Path) -> int:
    """Returns how much room there is on a folder's disk."""
    return shutil.disk_usage(folder).free


class Installer:
    """The weight files of one models folder."""

    def __init__(
        self, models_dir: Path, network: Network, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self.models_dir = models_dir
        self.network = network
        self.records = Records(models_dir)
        self._downloads = models_dir / "downloads"
        self._free = free

    def pull(
        self,
        file: WeightFile,
        policy: RetryPolicy,
        report: ByteProgress,
        *,
        keep_original: bool = False,
    ) -> None:
        """Downloads and converts a file, unless it is here; goes on where an earlier try stopped.

        Where another process is at it, waits for that one, and reports what it does.

        Raises:
            WeightsMissing: It is not here, and Pixelmend is to stay offline.
            WeightsNotReadable: It is here, and this user may not read it.
            DownloadFailed: No source gives the file.
            WrongFile: What the sources give is not the published file.
            DiskFull: There is no room for it.
        """
        if store.installed(file.id, self.models_dir):
            return
        store.check_readable(file.id, self.models_dir)
        if self.network.offline:
            raise WeightsMissing(
                f"The weights `{file.id}` are not on this computer, and Pixelmend is offline",
                hint="Do without --offline, PIXELMEND_OFFLINE and HF_HUB_OFFLINE, or bring them "
                "with `pixelmend models import`",
            )
        with self._locked(file, report):
            if not store.installed(file.id, self.models_dir):
                self._pull(file, policy, report, keep_original=keep_original)

    def _pull(
        self, file: WeightFile, policy: RetryPolicy, report: ByteProgress, *, keep_original: bool
    ) -> None:
        record = self.records.get(file.id)
        part = self._part(file)
        temporary = self._temporary_path(file)
        download = Download(
            file=file,
            part=part,
            network=self.network,
            policy=policy,
            known=KnownFile(
                sha256=record.sha256, size_bytes=record.size_bytes, drive_id=record.drive_id
            ),
            report=report,
            accept=lambda path: _convert(file, path, temporary, self._downloads),
            free=self._free,
        )
        try:
            record = _record_of(file, download.run())
            self.records.put(file.id, record)  # first, so that it is held to what it was
            self._put_in_place(file, temporary, record)
            if keep_original:
                self._keep_original(file, part.path)
            part.drop()
        except WrongFile as error:
            self.records.put(file.id, dataclasses.replace(record, refused=error.message))
            raise
        except OSError as error:
            raise DiskFull(
                f"`{file.id}` can't be stored: {error.strerror or error}",
                hint="Make room, or name another folder with PIXELMEND_MODELS; what came is kept",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        logger.info("installed %s from %s", file.id, record.source)

    def workdir(self) -> Path:
        """Returns a folder, made if need be, to unpack archives in.

        Raises:
            DiskFull: The models folder can't be written to.
        """
        try:
            return models_folder.make_inside(self.models_dir, self._downloads.name)
        except OSError as error:
            raise self._not_writable(error) from error

    def install(self, file: WeightFile, write: Callable[[Path], None], record: Record) -> None:
        """Installs what `write` writes to the path that it is given, in place of what is here."""
        with self._locked(file, _no_progress):
            temporary = self._temporary_path(file)
            try:
                write(temporary)
                self.records.put(file.id, record)
                self._put_in_place(file, temporary, record)
            except OSError as error:
                raise OutputFailed(
                    f"`{file.id}` can't be stored: {error.strerror or error}",
                    hint="Make room, or name another folder with PIXELMEND_MODELS",
                ) from error
            finally:
                temporary.unlink(missing_ok=True)

    def remove(self, file: WeightFile, *, forget: bool = False) -> bool:
        """Removes what was installed, and with `forget` what is remembered; False: nothing was.

        What the users have put into the folder themselves stays.

        Raises:
            DiskFull: The folder can't be written to.
        """
        with self._locked(file, _no_progress):
            try:
                return self._remove(file, forget=forget)
            except OSError as error:
                raise self._not_writable(error) from error

    def _remove(self, file: WeightFile, *, forget: bool) -> bool:
        place = store.path_of(file.id, self.models_dir)
        originals = self.models_dir / "originals" / file.id
        part = self._part(file)
        there = place.exists() or originals.exists() or part.path.exists()
        part.drop()
        place.unlink(missing_ok=True)
        if originals.exists():
            shutil.rmtree(originals)
        record = self.records.get(file.id)
        if forget:
            self.records.forget(file.id)
        elif record.installed_sha256 is not None:
            self.records.put(file.id, dataclasses.replace(record, installed_sha256=None))
        return there

    def verify(self, file: WeightFile) -> str | None:
        """Compares a file with what was installed; returns what is wrong with it, None: nothing.

        Raises:
            WeightsNotReadable: This user may not read it.
        """
        store.check_readable(file.id, self.models_dir)
        path = store.path_of(file.id, self.models_dir)
        if not path.is_file():
            return None  # what users put there themselves is checked when it is loaded
        try:
            shapes = installed_shapes(file, path)
        except UnreadableCheckpoint as error:
            return error.message
        if shapes != expected_shapes(file):
            return f"The names and shapes in `{path.name}` are not those of the published file"
        known = self.records.get(file.id).installed_sha256
        if known is not None and store.sha256(path) != known:
            return f"`{path.name}` has changed since it was installed"
        return None

    def _keep_original(self, file: WeightFile, came: Path) -> None:
        folder = models_folder.make_inside(self.models_dir, "originals", file.id)
        models_folder.share(came, self.models_dir)
        move_into_place(came, folder / Path(file.name).name)

    def _part(self, file: WeightFile) -> PartialFile:
        try:
            return PartialFile(
                self._downloads / f"{file.id}.part",
                share=lambda path: models_folder.share(path, self.models_dir),
            )
        except OSError as error:  # another user's, who does not share it
            raise self._not_writable(error) from error

    def _temporary_path(self, file: WeightFile) -> Path:
        place = store.path_of(file.id, self.models_dir)
        return place.with_name(f".{place.name}.{os.getpid()}.new")

    def _put_in_place(self, file: WeightFile, temporary: Path, record: Record) -> None:
        place = store.path_of(file.id, self.models_dir)
        digest = store.sha256(temporary)
        models_folder.share(temporary, self.models_dir)
        move_into_place(temporary, place)
        self.records.put(file.id, dataclasses.replace(record, installed_sha256=digest))

    @contextlib.contextmanager
    def _locked(self, file: WeightFile, report: ByteProgress) -> Generator[None]:
        place = store.path_of(file.id, self.models_dir)
        try:
            models_folder.make_inside(self.models_dir, self._downloads.name)
            mode = models_folder.lock_mode(self.models_dir)
        except OSError as error:
            raise self._not_writable(error) from error
        lock = filelock.FileLock(self._downloads / f"{file.id}.lock", mode=mode)
        part = self._downloads / f"{file.id}.part"
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except filelock.Timeout:
                # Another process is at it: what it has is what there is to report.
                report(_size(part), file.size_bytes or 0)
                time.sleep(POLL_S)
            except OSError as error:
                raise self._not_writable(error) from error
        try:
            try:
                # Here and not before: who held the lock takes an empty folder away.
                models_folder.make_inside(self.models_dir, place.parent.name)
            except OSError as error:
                raise self._not_writable(error) from error
            # Of a process that was killed: ours, and what safetensors writes before it renames it.
            for leftover in (*place.parent.glob(".*.new"), *place.parent.glob(".tmp??????")):
                leftover.unlink(missing_ok=True)
            for unpacked in self._downloads.glob("unpacked-*"):
                if not psutil.pid_exists(int(unpacked.name.split("-")[1])):
                    shutil.rmtree(unpacked, ignore_errors=True)
            yield
        finally:
            with contextlib.suppress(OSError):
                place.parent.rmdir()  # unless something is in it
            lock.release()

    def _not_writable(self, error: OSError) -> DiskFull:
        return DiskFull(
            f"The models folder can't be written to ({error.strerror}): `{self.models_dir}`",
            hint="Check its permissions, or name another one with PIXELMEND_MODELS",
        )


def expected_shapes(file: WeightFile) -> dict[str, tuple[int, ...]]:
    """Returns the names and shapes in a file once it is converted."""
    return {
        f"{part}.{key}" if part else key: shape
        for part, name in file.parts.items()
        for key, shape in manifest(name).items()
    }


def installed_shapes(file: WeightFile, path: Path) -> dict[str, tuple[int, ...]]:
    """Reads the names and shapes in what should be a converted file.

    Raises:
        UnreadableCheckpoint: It is damaged, or its header can't be the converted file's.
    """
    longest = safetensors_header.max_bytes(expected_shapes(file))
    return safetensors_header.shapes(path, longest)


def _convert(file: WeightFile, path: Path, temporary: Path, workdir: Path) -> None:
    from pixelmend_engine.weights.checkpoints import conversion  # torch comes with it

    with conversion.open_checkpoints(path, workdir) as checkpoints:
        conversion.write(conversion.select_tensors(file, checkpoints), file, temporary)


def _record_of(file: WeightFile, downloaded: DownloadedFile) -> Record:
    verification: Verification = "structure"
    if file.sha256 is not None:
        verification = "pinned_hash"
    elif file.verification == "source_hash" and downloaded.hash_from_source:
        verification = "source_hash"
    source = downloaded.source
    in_folder = isinstance(source, DriveFile) and source not in file.sources
    return Record(
        sha256=downloaded.sha256,
        size_bytes=downloaded.size_bytes,
        source=source.page,
        verification=verification,
        drive_id=source.id if isinstance(source, DriveFile) and in_folder else None,
    )


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:  # not yet, or not any more
        return 0


def _no_progress(done: int, total: int) -> None:
    pass
