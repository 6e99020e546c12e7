"""One run of a batch, from its listing to its summary, as a terminal sees it."""

import dataclasses
import hashlib
import signal
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pixelmend import data_folder
from pixelmend.errors import BadRequest, Canceled, PixelmendError, from_json
from pixelmend_cli import download_prompt
from pixelmend_cli.batch_bar import BatchBar, duration
from pixelmend_cli.download_bar import DownloadBar
from pixelmend_cli.settings import Settings
from pixelmend_cli.terminal import print_error, print_line
from pixelmend_engine.batch import head, listing, local_plan, manifest, rebuild, report
from pixelmend_engine.batch.head import Batch
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.listing import Listing
from pixelmend_engine.batch.local_pool import LocalPool
from pixelmend_engine.batch.manifest import DamagedManifest, Manifest
from pixelmend_engine.batch.pool import WorkerPool
from pixelmend_engine.batch.records import Totals
from pixelmend_engine.batch.storage import ADDRESS, LocalStorage, Storage, open_storage
from pixelmend_engine.restoration.model_choice import check

KEPT_EVERY_S = 60.0  # a copy of the manifest beside results that are not on this computer
SHOWN = 3  # endings of what are no pictures, in the summary


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What a user asked for, beside the tasks and their options."""

    source: str
    target: str
    weights: Path | None
    provenance: bool
    workers: int | None
    ray: str | None = None  # a cluster's address
    resume: bool
    fresh: bool
    retries: int
    stall_timeout_s: float | None = None  # without progress; None: by what is estimated
    report: Path | None
    limit: int | None
    dry_run: bool
    quiet: bool
    watched: bool  # whether somebody sees what is printed to stderr


def pool_of(options: BatchOptions, job: BatchJob, log: Path) -> WorkerPool:
    """Starts the workers: processes here, or actors of a cluster."""
    if options.ray is None:
        return LocalPool(local_plan.workers(job, options.workers), log)
    from pixelmend_engine.batch.ray_pool import RayPool  # Ray comes with it

    return RayPool(job, options.ray, options.workers)


PoolOf = Callable[[BatchOptions, BatchJob, Path], WorkerPool]


def run(
    options: BatchOptions,
    steps: Sequence[dict[str, Any]],
    config: Settings,
    start: PoolOf = pool_of,
) -> int:
    """Restores what waits; returns the exit code of the first picture that failed, or 0.

    `start` starts the workers.

    Raises:
        PixelmendError: What is wrong with all pictures.
        Canceled: The user asked to stop.
    """
    if options.resume and options.fresh:
        raise BadRequest("Both --resume and --fresh were given", hint="Give one of them")
    if options.report is not None:
        report.check_ending(options.report)
    target_root = options.target
    if not ADDRESS.match(target_root):
        target_root = str(Path(target_root).expanduser().absolute())
    source = listing.open_listing(options.source, target_root)
    job = BatchJob(
        source=source.storage.root,
        target=target_root,
        steps=tuple(steps),
        models_dir=str(config.models_dir),
        weights=None if options.weights is None else str(options.weights.absolute()),
        provenance=options.provenance,
        stall_timeout_s=options.stall_timeout_s,
    )
    for request in job.requests():  # told before anything is begun
        check(request.model, config.models_dir, offline=request.options["offline"])
    target = open_storage(target_root)
    with ExitStack() as stack:
        if options.dry_run:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            return _dry_run(options, job, source, place_of_manifest(target, config), folder)
        if options.ray is None:  # nodes of a cluster fetch their own
            job = _with_weights(job, options, config)
        place = place_of_manifest(target, config)
        if options.resume and not place.exists() and not target.exists(_kept_name()):
            raise BadRequest(
                f"There is no batch in `{options.target}` to go on with",
                hint="Leave out --resume, or check the folder's name",
            )
        if not isinstance(target, LocalStorage):
            data_folder.make(config.paths)
        return _run(options, job, source, target, place, start)


def place_of_manifest(target: Storage, config: Settings) -> Path:
    """Returns where the manifest lies: in the results' folder, or for an address with our data."""
    if isinstance(target, LocalStorage):
        return Path(target.root) / manifest.FOLDER / manifest.NAME
    digest = hashlib.sha256(target.root.encode()).hexdigest()[:16]
    return config.paths.home / "batch" / digest / manifest.FOLDER / manifest.NAME


def _kept_name() -> str:
    return f"{manifest.FOLDER}/{manifest.NAME}"


def _with_weights(job: BatchJob, options: BatchOptions, config: Settings) -> BatchJob:
    # Before the pictures are compared with what is done: `auto` may become another model.
    from pixelmend_engine.restoration.session import Session

    if job.weights is not None:
        return job
    steps = tuple(
        download_prompt.with_downloads(step["task"], step, config, silent=options.quiet)
        for step in job.steps
    )
    job = dataclasses.replace(job, steps=steps)
    session = Session(config.models_dir, config.network)
    with DownloadBar(quiet=options.quiet, watched=options.watched) as bar:
        for request in job.requests():
            offline, downloads = request.options["offline"], request.options["downloads"]
            session.ensure_face_networks(
                request.model, bar.report, offline=offline, downloads=downloads
            )
            for note in session.ensure_weights(
                request.model, bar.report, offline=offline, downloads=downloads
            ):
                _note(options, note)
    return job


def _opened(place: Path, target: Storage, options: BatchOptions) -> tuple[Manifest, bool]:
    """Opens the manifest; returns it, and whether one was lost."""
    if not isinstance(target, LocalStorage) and not place.exists() and target.exists(_kept_name()):
        place.parent.mkdir(parents=True, exist_ok=True)
        with target.fetch(_kept_name()) as copy:
            place.write_bytes(copy.read_bytes())
    try:
        return Manifest(place), False
    except DamagedManifest as error:
        aside = manifest.set_aside(place)
        _note(options, f"The manifest is damaged ({error}); it is kept as `{aside}`")
        return Manifest(place), True


def _run(
    options: BatchOptions,
    job: BatchJob,
    source: Listing,
    target: Storage,
    place: Path,
    start: PoolOf,
) -> int:
    key = job.key()
    with ExitStack() as stack:
        book, was_damaged = _opened(place, target, options)
        stack.enter_context(book)
        _clean(target, [row["result"] for row in book.rows("state = 'running'")])
        number = book.begin_run(fresh=options.fresh)
        interrupts = stack.enter_context(_interrupts(options))
        bar = BatchBar(watched=options.watched and not options.quiet)
        stack.callback(bar.end)
        ignores_case = head.ignores_case(target)
        for count in head.list_all(book, source, number, key, ignores_case=ignores_case):
            bar.listed(count)
            if interrupts:
                raise Canceled("Canceled", hint="The same command goes on")
        if was_damaged:
            count = rebuild.adopt_results(book, job, target, key)
            _note(options, f"{count} results that are there were taken over")
        before = book.totals()
        bar.begin(before)
        batch = Batch(
            manifest=book,
            pool=start(options, job, place.parent / "batch.log"),
            target=target,
            key=key,
            retries=options.retries,
            limit=options.limit,
            interrupts=lambda: len(interrupts),
            note=lambda words: _note(options, words),
        )
        stack.callback(
            lambda: _clean(target, batch.interrupted_results)
        )  # when nobody writes any more
        stack.callback(batch.pool.close)
        started, kept_at = time.monotonic(), time.monotonic()

        def tell() -> None:
            nonlocal kept_at
            bar.show(batch.progress)
            if not isinstance(target, LocalStorage) and time.monotonic() - kept_at > KEPT_EVERY_S:
                kept_at = time.monotonic()
                _keep(options, book, target)

        batch.tell = tell
        try:
            batch.run()
        finally:
            bar.end()
            if not isinstance(target, LocalStorage):
                _keep(options, book, target)
            seconds = time.monotonic() - started
            print_line(_summary(book.totals(), source, batch, seconds))
            if options.report is not None:
                report.write(book, options.report, source.storage, target)
        return _exit_code(book)


def _dry_run(
    options: BatchOptions, job: BatchJob, source: Listing, place: Path, folder: Path
) -> int:
    copy = folder / manifest.FOLDER / manifest.NAME
    if place.exists():
        copy.parent.mkdir()
        manifest.copy(place, copy)
    with Manifest(copy) as book:
        number = book.begin_run(fresh=options.fresh)
        for _ in head.list_all(book, source, number, job.key(), ignores_case=False):
            pass
        totals = book.totals()
    models = ", ".join(f"{step['task']} with {step['model']}" for step in job.steps)
    print_line(f"{totals.listed:,} pictures of `{job.source}` for `{job.target}`: {models}")
    print_line(f"{totals.done:,} are done, {totals.waiting:,} would be restored{_others(source)}")
    for address, why in source.unread.folders:
        print_line(f"`{address}` can't be read: {why}", err=True)
    return 0


def _clean(target: Storage, results: Sequence[str]) -> None:
    # What workers that were killed have left beside results that were on their way.
    if isinstance(target, LocalStorage):
        for result in results:
            target.clean(result)


def _keep(options: BatchOptions, book: Manifest, target: Storage) -> None:
    try:
        with target.store(_kept_name(), overwrite=True) as temporary:
            book.copy_to(temporary)
    except PixelmendError as error:  # the manifest itself lies here
        _note(options, f"No copy of the manifest could be left there: {error.message}")


@contextmanager
def _interrupts(options: BatchOptions) -> Generator[list[int]]:
    """Collects Ctrl-C and a wish to end: once, what is in hand is finished; twice, nothing."""
    signals: list[int] = []

    def take(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) == 1:
            _note(options, "The pictures in hand are finished first; Ctrl-C again stops at once")

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(totals: Totals, source: Listing, batch: Batch, seconds: float) -> str:
    progress = batch.progress
    unfinished = totals.waiting + totals.running
    parts = [
        f"{totals.done:,} of {totals.listed:,} pictures are restored, {totals.failed:,} failed"
    ]
    if totals.skipped:
        parts.append(f"{totals.skipped:,} have no faces")
    if unfinished:
        parts.append(f"{unfinished:,} still wait")
    now = f"{progress.restored:,} in {duration(seconds)} ({progress.pixels / 1e6:,.1f} megapixels)"
    return f"{', '.join(parts)}; now {now}{_others(source)}"


def _others(source: Listing) -> str:
    others = source.others
    words = ""
    if count := others.total():
        endings = ", ".join(ending for ending, _ in others.most_common(SHOWN))
        are = "file is no picture" if count == 1 else "files are no pictures"
        words += f"; {count:,} {are} ({endings})"
    if source.missing:
        words += f"; {len(source.missing):,} that the list names are not there"
    if source.unread.folders:
        words += f"; {len(source.unread.folders):,} folders can't be read"
    return words


def _exit_code(book: Manifest) -> int:
    for row in book.rows("state = 'failed' ORDER BY id LIMIT 1"):
        fields = {"code": row["code"], "message": row["message"], "hint": row["hint"]}
        error: PixelmendError = from_json(fields)
        print_error(error, about=f"The first that failed: {row['address']}")
        return error.exit_code
    return 0


def _note(options: BatchOptions, words: str) -> None:
    if not options.quiet:
        print_line(words, err=True)
