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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pixelmend.errors import DiskFull, DownloadFailed, UnreadableCheckpoint, WrongFile
from pixelmend_engine.catalog.weight_files import DriveFile, Plain, Source, WeightFile, megabytes
from pixelmend_engine.weights.download import background
from pixelmend_engine.weights.download.https import Refusal
from pixelmend_engine.weights.download.network_settings import Network, Patience
from pixelmend_engine.weights.download.partial_file import Part
from pixelmend_engine.weights.download.response import Begun, Changed, Unlike, exchange, where
from pixelmend_engine.weights.download.sources import Stated

logger = logging.getLogger(__name__)

DRIVE_PAGE = re.compile(r"https://drive\.google\.com/file/d/([\w-]+)/view")
MAX_CHANGES = 3  # of the file at one source, while it is downloaded
SPARE = 64 * 1024 * 1024  # bytes that stay free on the disk
MOST = 20  # times what the tensors need: some published files hold optimizers, teachers, judges

Report = Callable[[int, int], None]
"""Takes bytes done and bytes in all (0: not known), often; raises to stop."""
Accept = Callable[[Path], None]
"""Takes the file that came; raises `UnreadableCheckpoint` if it is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a file from earlier downloads."""

    sha256: str | None = None
    drive_id: str | None = None  # where it was found in a folder


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came, and from where."""

    source: Source
    sha256: str
    size_bytes: int
    stated: bool  # whether the source had said the hash


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file's download: from where, to where, how patiently."""

    file: WeightFile
    part: Part
    network: Network
    patience: Patience
    known: Known
    report: Report
    accept: Accept
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    def run(self) -> Fetched:
        """Tries every source in turn; the part is complete, and accepted, at the end.

        Raises:
            DownloadFailed: No source gives the file.
            WrongFile: A source gives another file, and none the right one.
            DiskFull: There is no room for it.
        """
        if (here := self._here()) is not None:
            return here
        reasons: list[str] = []
        wrong = passing = False
        for source in self._sources():
            try:
                return self._from(source)
            except Refusal as refusal:
                reasons.append(refusal.reason)
                passing = passing or refusal.cause == "passing"
            except Unlike as unlike:
                wrong = True
                reasons.append(str(unlike))
            except OSError as error:
                raise self._disk(error) from error
        page = self.file.sources[0].page
        reasons = list(dict.fromkeys(reasons))
        if wrong and not passing:  # otherwise the right file may come another time
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

    def _sources(self) -> list[Source]:
        remembered = self.known.drive_id
        mirror = self.network.mirror
        first: list[Source] = [] if mirror is None else [Plain(f"{mirror}/{self.file.id}")]
        if remembered is not None:
            first.append(DriveFile(remembered))
        return [*first, *self.file.sources]

    def _expected(self, stated: str | None = None) -> str | None:
        return self.file.sha256 or self.known.sha256 or stated

    def _here(self) -> Fetched | None:
        # Of an earlier process, which ended before it could use it.
        identity = self.part.identity
        if identity is None or not self.part.complete:
            return None
        found = DRIVE_PAGE.fullmatch(identity.source)
        source = DriveFile(found[1]) if found else Plain(identity.source)
        try:
            return self._whole(source, Stated(identity.sha256))
        except Unlike:
            return None  # and thrown away

    def _from(self, source: Source) -> Fetched:
        furthest, idle, changes = self.part.size, 0, 0
        while True:
            try:
                return self._try(source)
            except Changed:
                logger.info("%s: the file has changed; from its beginning", self.file.id)
                self.part.drop()
                changes += 1
                if changes > MAX_CHANGES:
                    raise Refusal(f"{where(source)} keeps changing the file", "refused") from None
            except Refusal as refusal:
                logger.info("%s: %s", self.file.id, refusal.reason)
                if refusal.cause == "refused":
                    raise
                idle = 0 if self.part.size > furthest else idle + 1
                furthest = max(furthest, self.part.size)
                if idle >= self.patience.tries:
                    raise
                self._wait(idle, refusal)

    def _wait(self, idle: int, refusal: Refusal) -> None:
        # Not all who were cut off at once come back at once.
        wait_s = self.patience.backoff_s * 2 ** max(0, idle - 1) * random.uniform(0.5, 1.5)
        wait_s = max(wait_s, refusal.asked_wait_s or 0)
        if wait_s > self.patience.longest_wait_s:
            asked = f"{refusal.reason}, and asks to wait {wait_s / 60:.0f} minutes"
            raise Refusal(asked, "refused") from refusal
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            self._tick()
            time.sleep(min(background.TICK_S, wait_s))

    def _tick(self) -> None:
        identity = self.part.identity
        self.report(self.part.size, (identity.total or 0) if identity is not None else 0)

    def _try(self, source: Source) -> Fetched:
        talk = background.run(
            exchange(
                source,
                self.file,
                self.part,
                self._expected(),
                self.network,
                self.patience,
            ),
            self._tick,
            first_within_s=self.patience.answer_s,
        )
        begun: Begun | None = None
        with contextlib.closing(talk):
            try:
                for item in talk:
                    if isinstance(item, bytes):
                        self.part.append(item)
                        self._refuse_more(begun, source)
                        self._tick()
                    elif item is not None:
                        begun = item
                        self._begin(begun)
            except background.TookTooLong as error:
                raise Refusal(f"{where(source)} does not answer", "passing") from error
            except ValueError as error:  # of addresses and numbers that are none
                raise Refusal(f"{where(source)} answers with nonsense", "refused") from error
            finally:
                self.part.close()
        assert begun is not None
        total = begun.identity.total
        if total is None:
            self.part.finish()
        elif self.part.size < total:
            raise Refusal("the connection broke off in the middle", "passing")
        try:
            return self._whole(begun.source, begun.stated)
        except Unlike:
            if begun.start == 0:
                raise
        raise Changed  # what was here before may be to blame

    def _begin(self, begun: Begun) -> None:
        size, total = self.file.size_bytes, begun.identity.total
        if None not in (size, total) and size != total:
            raise Unlike(f"{where(begun.source)} has {total} bytes, not {size}")
        if begun.complete:
            return
        missing = max(total or self.file.about_bytes, begun.start) - begun.start
        copies = 2 if self.file.container == "archive" else 1  # unpacked, then converted
        needed = missing + copies * self.file.about_bytes + SPARE
        free = self.free(self.part.path.parent)
        if free < needed:
            raise self._too_little(needed, free)
        self.part.begin(begun.start, begun.identity)
        self._tick()

    def _refuse_more(self, begun: Begun | None, source: Source) -> None:
        # Whatever was announced, no disk is filled with what can't be the file.
        total = begun.identity.total if begun is not None else None
        most = total or self.file.size_bytes or MOST * self.file.about_bytes + SPARE
        if self.part.size > most:
            self.part.drop()
            raise Unlike(f"{where(source)} sends more than the file has")

    def _whole(self, source: Source, stated: Stated) -> Fetched:
        expected = self._expected(stated.sha256)
        if expected is not None and self.part.sha256 != expected:
            self.part.drop()
            raise Unlike(f"the file from {where(source)} has another SHA-256")
        try:
            self.accept(self.part.path)
        except UnreadableCheckpoint as error:
            self.part.drop()
            raise Unlike(error.message) from error
        return Fetched(
            source=source,
            sha256=self.part.sha256,
            size_bytes=self.part.size,
            stated=stated.sha256 is not None,
        )

    def _too_little(self, needed: int, free: int) -> DiskFull:
        return DiskFull(
            f"`{self.file.id}` needs {megabytes(needed)} on the disk, where {megabytes(free)} are "
            "free",
            hint="Make room, or name another folder with PIXELMEND_MODELS",
        )

    def _disk(self, error: OSError) -> DiskFull:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        return DiskFull(
            f"`{self.file.id}` can't be stored: {why}",
            hint="Make room, or name another folder with PIXELMEND_MODELS; what came is kept",
        )
