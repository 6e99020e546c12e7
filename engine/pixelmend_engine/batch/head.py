"""The one process that knows how far a batch is: it hands out pictures, and writes the manifest."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from pixelmend.errors import BadRequest, Canceled, PixelmendError, WorkerDied, from_json
from pixelmend_engine.batch.listing import Listing
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.pool import IN_HAND, Completion, Notice, WorkerExit, WorkerPool
from pixelmend_engine.batch.records import Lease, Outcome, SourcePicture
from pixelmend_engine.batch.storage import Entry, LocalStorage, Storage
from pixelmend_engine.images import kinds

Item = TypeVar("Item")

TOGETHER = 1000  # pictures that are listed in one transaction
POLL_S = 0.2

COLLISION = BadRequest(
    "The result of another picture has the same name",
    hint="Rename one of the two, or restore them into different folders",
)


def list_all(
    manifest: Manifest, listing: Listing, run: int, key: str, *, ignores_case: bool
) -> Iterator[int]:
    """Takes in all pictures of the source; yields how many there are so far."""
    count = 0
    for entries in _batched(listing.pictures(), TOGETHER):
        pictures = [_source_picture(entry, ignores_case=ignores_case) for entry in entries]
        for collision in manifest.list_pictures(pictures, run, key):
            manifest.list_failed(collision, run, COLLISION)
        count += len(entries)
        yield count
    manifest.end_listing(run)


def _source_picture(entry: Entry, *, ignores_case: bool) -> SourcePicture:
    result = kinds.result_name(entry.address)
    name = unicodedata.normalize("NFC", result).casefold()
    return SourcePicture(
        address=entry.address,
        result=result,
        result_key=name if ignores_case else result,
        size_bytes=entry.size_bytes,
        modified=entry.modified,
    )


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@dataclass
class Progress:
    """What one run has finished so far."""

    restored: int = 0
    unchanged: int = 0  # pictures whose results of before are still right
    failed: int = 0
    skipped: int = 0  # pictures with nothing to restore
    pixels: int = 0  # of sources that were restored

    @property
    def finished(self) -> int:
        """How many pictures wait no more."""
        return self.restored + self.unchanged + self.failed + self.skipped


@dataclass
class Batch:
    """One run over the pictures that wait."""

    manifest: Manifest
    pool: WorkerPool
    target: Storage
    key: str  # of the job
    retries: int
    limit: int | None = None  # pictures of this run, at most
    interrupts: Callable[[], int] = lambda: 0  # how often somebody asked to stop
    tell: Callable[[], None] = lambda: None  # called several times a second
    note: Callable[[str], None] = lambda _: None
    progress: Progress = field(default_factory=Progress)
    # Whose workers ended on the way.
    interrupted_results: list[str] = field(default_factory=list[str])
    _in_hand: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    _alone: set[int] = field(default_factory=set[int])  # pictures that have a worker to themselves
    _leased: int = 0
    _error: PixelmendError | None = None

    def run(self) -> None:
        """Hands out pictures until none waits.

        Raises:
            PixelmendError: What is wrong with all pictures, and not with one.
            Canceled: Somebody asked to stop, once: what was in hand is done; twice: at once.
        """
        try:
            while True:
                interrupts = self.interrupts()
                if interrupts > 1:
                    break
                if not interrupts and self._error is None:
                    self._hand_out()
                if not any(self._in_hand.values()) and not (
                    self.pool.is_starting() and not interrupts and self._has_more()
                ):
                    break
                self._take(self.pool.wait(POLL_S))
                self.tell()
        finally:
            for hand in self._in_hand.values():
                self._lose(hand)
                with self.manifest.transaction():
                    self.manifest.give_back(hand)
        if self._error is not None:
            raise self._error
        if self.interrupts():
            raise Canceled("Stopped", hint="The same command goes on where it stopped")

    def _lose(self, hand: set[int]) -> None:
        for picture in hand:
            self.interrupted_results += (
                row["result"] for row in self.manifest.rows("id = ?", (picture,))
            )

    def _has_more(self) -> bool:
        is_within = self.limit is None or self._leased < self.limit
        return self._error is None and is_within and self.manifest.has_waiting()

    def _hand_out(self) -> None:
        leases: list[tuple[str, Lease]] = []
        with self.manifest.transaction():
            for worker in self.pool.workers():
                hand = self._in_hand.setdefault(worker, set())
                # Who broke a worker gets one to itself: nobody else is to blame, or to suffer.
                new_leases = [] if hand else self._lease(worker, 1, alone=True)
                self._alone.update(lease.id for lease in new_leases)
                if not new_leases and not hand & self._alone:
                    new_leases = self._lease(worker, IN_HAND - len(hand), alone=False)
                hand.update(lease.id for lease in new_leases)
                leases += ((worker, lease) for lease in new_leases)
        # Behind the transaction: whatever a worker writes, the manifest knows that it may.
        for worker, lease in leases:
            self.pool.send(worker, lease)

    def _lease(self, worker: str, most: int, *, alone: bool) -> list[Lease]:
        if self.limit is not None:
            most = min(most, self.limit - self._leased)
        if most <= 0:
            return []
        leases = self.manifest.lease(worker, most, self.target.exists, alone=alone)
        self._leased += len(leases)
        return leases

    def _take(self, events: Iterable[Completion | Notice | WorkerExit]) -> None:
        with self.manifest.transaction():
            for event in events:
                hand = self._in_hand.setdefault(event.worker, set())
                match event:
                    case Completion():
                        self._finish(event.worker, hand, event.outcome)
                    case WorkerExit():
                        self._handle_exit(event.worker, hand, event)
                    case Notice():
                        self.note(event.note)

    def _finish(self, worker: str, hand: set[int], outcome: Outcome) -> None:
        if outcome.id not in hand:
            return  # its worker was given up, and another one has it
        hand.discard(outcome.id)
        self._alone.discard(outcome.id)
        if outcome.fatal:
            self._leased -= 1
            self.manifest.give_back([outcome.id])
            self._retire(worker, hand, _error_of(outcome))
        elif outcome.retry and self.manifest.tried(outcome.id) < self.retries:
            self._leased -= 1
            self.manifest.give_back([outcome.id], tried=True)
        else:
            self.manifest.finish(outcome, worker, self.key)
            self._count(outcome)

    def _count(self, outcome: Outcome) -> None:
        if outcome.state == "failed":
            self.progress.failed += 1
        elif outcome.state == "skipped":
            self.progress.skipped += 1
        elif outcome.unchanged:
            self.progress.unchanged += 1
        else:
            self.progress.restored += 1
            self.progress.pixels += outcome.pixels

    def _retire(self, worker: str, hand: set[int], error: PixelmendError) -> None:
        # What it has in hand goes on with others; where there are none left, the batch ends.
        self._lose(hand)
        self.manifest.give_back(hand)
        self._leased -= len(hand)
        hand.clear()
        self.pool.retire(worker)
        if not self.pool.workers() and not self.pool.is_starting():
            self._error = error
        else:
            self.note(f"{worker} takes no more pictures: {error.message}")

    def _handle_exit(self, worker: str, hand: set[int], event: WorkerExit) -> None:
        self._lose(hand)
        self._leased -= len(hand)
        self._alone -= hand
        stalled = {number: s for number, s in event.stalled.items() if number in hand}
        if stalled:
            self._give_back_stalled(worker, stalled)
            hand.difference_update(stalled)
        if event.is_blameless or stalled:
            self.manifest.give_back(hand)
            hand.clear()
            return
        # Of several nobody knows which one it was: none is to blame before it was alone.
        self.manifest.give_back(hand, tried=len(hand) == 1, broke=True)
        hand.clear()
        error = WorkerDied(
            f"The worker that had the picture ended each time: {event.reason}",
            hint="Look at the batch's log; `--workers 1` or `--tile 512` takes less memory",
        )
        self.progress.failed += self.manifest.fail_exhausted(self.retries, error)

    def _give_back_stalled(self, worker: str, stalled: dict[int, float]) -> None:
        self.manifest.give_back(stalled, tried=True, broke=True)
        for number, seconds in stalled.items():
            (row,) = self.manifest.rows("id = ?", (number,))
            duration = f"{seconds / 60:.0f} minutes" if seconds >= 100 else f"{seconds:.0f} seconds"
            self.note(f"{worker} is started anew: `{row['address']}` got no further for {duration}")
            error = WorkerDied(
                f"The picture got no further each time; the last time for {duration}",
                hint="See whether an image editor opens it; `--stall-timeout` waits longer for it",
            )
            self.progress.failed += self.manifest.fail_exhausted(self.retries, error)


def _error_of(outcome: Outcome) -> PixelmendError:
    fields = {"code": outcome.code, "message": outcome.message, "hint": outcome.hint}
    return from_json({name: text or "" for name, text in fields.items()})


def ignores_case(target: Storage) -> bool:
    """Whether two names that differ by case alone are one, where the results go."""
    if not isinstance(target, LocalStorage):
        return False
    return target.exists(".PIXELMEND") and target.exists(".pixelmend")
