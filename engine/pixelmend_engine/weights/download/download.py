"""One file from the first source that gives it, whole and as it should be.

What has come of it stays on disk until all of it is here, and the next try goes on where the last
one stopped: another try of the same call, another source, another process.
"""

import contextlib
import errno
import logging
import random
import re
import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pixelmend.errors import DiskFull, DownloadFailed, UnreadableCheckpoint, WrongFile
from pixelmend_engine.catalog.weight_files import (
    DirectUrl,
    DownloadSource,
    DriveFile,
    WeightFile,
    megabytes,
)
from pixelmend_engine.weights.download import background
from pixelmend_engine.weights.download.https import SourceUnavailable
from pixelmend_engine.weights.download.network_settings import Network, RetryPolicy
from pixelmend_engine.weights.download.pace import Pace, SourceSlow
from pixelmend_engine.weights.download.partial_file import PartialFile
from pixelmend_engine.weights.download.response import (
    DownloadStarted,
    RemoteChanged,
    WrongContent,
    open_response,
    source_host,
)
from pixelmend_engine.weights.download.sources import RemoteMetadata

logger = logging.getLogger(__name__)

DRIVE_PAGE = re.compile(r"https://drive\.google\.com/file/d/([\w-]+)/view")
MAX_CHANGES = 3  # of the file at one source, while it is downloaded
SPARE = 64 * 1024 * 1024  # bytes that stay free on the disk
# Some published files hold optimizers, teachers, judges beside the tensors that are used.
MAX_SIZE_RATIO = 20

ByteProgress = Callable[[int, int], None]
"""Takes bytes done and bytes in all (0: not known), often; raises to stop."""
Accept = Callable[[Path], None]
"""Takes the file that came; raises `UnreadableCheckpoint` if it is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """What is known of a file from earlier downloads."""

    sha256: str | None = None
    size_bytes: int | None = None
    drive_id: str | None = None  # where it was found in a folder


@dataclass(frozen=True, kw_only=True)
class DownloadedFile:
    """What came, and from where."""

    source: DownloadSource
    sha256: str
    size_bytes: int
    hash_from_source: bool  # whether the source had said the hash beforehand


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file's download: from where, to where, how patiently."""

    file: WeightFile
    part: PartialFile
    network: Network
    policy: RetryPolicy
    known: KnownFile
    report: ByteProgress
    accept: Accept
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    def run(self) -> DownloadedFile:
        """Tries every source in turn; the part is complete, and accepted, at the end.

        Raises:
            DownloadFailed: No source gives the file.
            WrongFile: A source gives another file, and none the right one.
            DiskFull: There is no room for it.
        """
        if (complete := self._from_complete_part()) is not None:
            return complete
        reasons: list[str] = []
        wrong_content = temporary = False
        no_room: DiskFull | None = None
        fresh, slow = deque(self._sources()), deque[DownloadSource]()
        while fresh or slow:
            source = (fresh or slow).popleft()
            try:
                return self._from_source(source, patient=not fresh)
            except SourceSlow as error:
                logger.info("%s: %s; the next source is asked", self.file.id, error)
                slow.append(source)  # better than none
            except DiskFull as error:
                no_room = error
                if self._known_size is not None:
                    raise
                # It may be this source's claim alone that does not fit.
            except SourceUnavailable as error:
                reasons.append(error.reason)
                temporary = temporary or error.cause == "temporary"
            except WrongContent as error:
                wrong_content = True
                reasons.append(str(error))
            except OSError as error:
                raise self._disk_error(error) from error
        if no_room is not None:
            raise no_room
        page = self.file.sources[0].page
        reasons = list(dict.fromkeys(reasons))
        if wrong_content and not temporary:  # otherwise the right file may come another time
            raise WrongFile(
                f"What came is not the published `{self.file.id}`: {'; '.join(reasons)}",
                hint=f"Look at {page}; if the authors replaced it, "
                f"`pixelmend models remove --forget {self.file.id}`",
            )
        raise DownloadFailed(
            f"`{self.file.id}` can't be downloaded: {'; '.join(reasons)}",
            hint=f"Try again later, or download it by hand from {page} "
            "and run `pixelmend models import FILE`",
        )

    def _sources(self) -> list[DownloadSource]:
        drive_id = self.known.drive_id
        mirror = self.network.mirror
        first: list[DownloadSource] = (
            [] if mirror is None else [DirectUrl(f"{mirror}/{self.file.id}")]
        )
        if drive_id is not None:
            first.append(DriveFile(drive_id))
        return [*first, *self.file.sources]

    def _expected(self, stated: str | None = None) -> str | None:
        return self.file.sha256 or self.known.sha256 or stated

    def _from_complete_part(self) -> DownloadedFile | None:
        # Of an earlier process, which ended before it could use it.
        identity = self.part.identity
        if identity is None or not self.part.complete:
            return None
        page = DRIVE_PAGE.fullmatch(identity.source)
        source = DriveFile(page[1]) if page else DirectUrl(identity.source)
        try:
            return self._verified(source, RemoteMetadata(identity.sha256))
        except WrongContent:
            return None  # and thrown away

    @property
    def _known_size(self) -> int | None:
        return self.file.size_bytes or self.known.size_bytes

    @property
    def _max_size(self) -> int:
        return self._known_size or MAX_SIZE_RATIO * self.file.about_bytes

    def _from_source(self, source: DownloadSource, *, patient: bool) -> DownloadedFile:
        furthest, fruitless, changes = self.part.size, 0, 0
        pace = Pace(source_host(source), self.policy, patient=patient)
        while True:
            try:
                return self._attempt(source, pace)
            except RemoteChanged:
                logger.info("%s: the file has changed; from its beginning", self.file.id)
                self.part.drop()
                changes += 1
                if changes > MAX_CHANGES:
                    raise SourceUnavailable(
                        f"{source_host(source)} keeps changing the file", "permanent"
                    ) from None
            except SourceUnavailable as error:
                logger.info("%s: %s", self.file.id, error.reason)
                if error.cause == "permanent":
                    raise
                fruitless = 0 if self.part.size > furthest else fruitless + 1
                furthest = max(furthest, self.part.size)
                if fruitless >= self.policy.attempts:
                    raise
                self._wait(fruitless, error)
                pace.note_wait(error.retry_after_s or 0.0)

    def _wait(self, fruitless: int, error: SourceUnavailable) -> None:
        # Not all who were cut off at once come back at once.
        wait_s = self.policy.backoff_s * 2 ** max(0, fruitless - 1) * random.uniform(0.5, 1.5)
        wait_s = max(wait_s, error.retry_after_s or 0)
        if wait_s > self.policy.max_retry_after_s:
            reason = f"{error.reason}, and asks to wait {wait_s / 60:.0f} minutes"
            raise SourceUnavailable(reason, "permanent") from error
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            self._tick()
            time.sleep(min(background.TICK_S, wait_s))

    def _tick(self) -> None:
        identity = self.part.identity
        self.report(self.part.size, (identity.total or 0) if identity is not None else 0)

    def _attempt(self, source: DownloadSource, pace: Pace) -> DownloadedFile:
        def tick() -> None:
            self._tick()
            pace.check(self.part.size)

        pace.note_request()
        items = background.iterate_in_thread(
            open_response(
                source,
                self.file,
                self.part,
                self._expected(),
                self.network,
                self.policy,
            ),
            tick,
            first_within_s=self.policy.first_response_timeout_s,
        )
        started: DownloadStarted | None = None
        with contextlib.closing(items):
            try:
                for item in items:
                    if isinstance(item, bytes):
                        self._check_size(len(item), started, source)
                        self.part.append(item)
                        tick()
                    elif item is not None:
                        started = item
                        self._start(started)
                        pace.note_start(self.part.size)
                    else:
                        pace.note_request()
            except background.FirstItemTimeout as error:
                raise SourceUnavailable(
                    f"{source_host(source)} does not answer", "temporary"
                ) from error
            finally:
                self.part.close()
        assert started is not None
        total = started.identity.total
        if total is None:
            self.part.finish()
        elif self.part.size < total:
            raise SourceUnavailable("the connection broke off in the middle", "temporary")
        try:
            return self._verified(started.source, started.metadata)
        except WrongContent:
            if started.start == 0:
                raise
        raise RemoteChanged  # what was here before may be to blame

    def _start(self, started: DownloadStarted) -> None:
        # What a source claims may make it the wrong one; the disk is measured by the catalog.
        size, total = self._known_size, started.identity.total
        if None not in (size, total) and size != total:
            raise WrongContent(f"{source_host(started.source)} has {total} bytes, not {size}")
        if total is not None and total > self._max_size:
            raise WrongContent(
                f"{source_host(started.source)} has {total} bytes, where about "
                f"{self.file.about_bytes} belong"
            )
        if started.complete:
            return
        missing = max(total or self.file.about_bytes, started.start) - started.start
        copies = 2 if self.file.container == "archive" else 1  # unpacked, then converted
        needed = missing + copies * self.file.about_bytes + SPARE
        free = self.free(self.part.path.parent)
        if free < needed:
            raise self._no_room(needed, free)
        self.part.begin(started.start, started.identity)
        self._tick()

    def _check_size(
        self, coming: int, started: DownloadStarted | None, source: DownloadSource
    ) -> None:
        # Whatever was announced, no disk is filled with what can't be the file.
        total = started.identity.total if started is not None else None
        if self.part.size + coming > (self._max_size if total is None else total):
            self.part.drop()
            raise WrongContent(f"{source_host(source)} sends more than the file has")

    def _verified(self, source: DownloadSource, metadata: RemoteMetadata) -> DownloadedFile:
        expected = self._expected(metadata.sha256)
        if expected is not None and self.part.sha256 != expected:
            self.part.drop()
            raise WrongContent(f"the file from {source_host(source)} has another SHA-256")
        try:
            self.accept(self.part.path)
        except UnreadableCheckpoint as error:
            self.part.drop()
            raise WrongContent(error.message) from error
        return DownloadedFile(
            source=source,
            sha256=self.part.sha256,
            size_bytes=self.part.size,
            hash_from_source=metadata.sha256 is not None,
        )

    def _no_room(self, needed: int, free: int) -> DiskFull:
        return DiskFull(
            f"`{self.file.id}` needs {megabytes(needed)} on the disk, where {megabytes(free)} are "
            "free",
            hint="Make room, or name another folder with PIXELMEND_MODELS",
        )

    def _disk_error(self, error: OSError) -> DiskFull:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        return DiskFull(
            f"`{self.file.id}` can't be stored: {why}",
            hint="Make room, or name another folder with PIXELMEND_MODELS; what came is kept",
        )
