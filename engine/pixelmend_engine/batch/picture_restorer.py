"""One picture of a batch from its source to its result, several at once: one of them computes.

While one is restored, the next is read and the last is written, each in a thread of its own.
"""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pixelmend.errors import (
    FATAL,
    NoFaceFound,
    OutOfMemory,
    OutputFailed,
    PixelmendError,
)
from pixelmend.wire import Raster
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.records import Lease, Outcome
from pixelmend_engine.batch.stall_watch import StallWatch
from pixelmend_engine.batch.storage import FULL, open_storage
from pixelmend_engine.images import files as images
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.xmp import Provenance
from pixelmend_engine.inference import memory
from pixelmend_engine.restoration.task_request import ProgressCallback, TaskRequest
from pixelmend_engine.weights import store

logger = logging.getLogger(__name__)

KEPT_FACTS = ("model", "task", "seed", "notes", "faces", "tiles")


@runtime_checkable
class Runs(Protocol):
    """What restores a picture: a `Session`, or what stands for it."""

    def run(
        self, raster: Raster, request: TaskRequest, progress: ProgressCallback, /
    ) -> tuple[Raster, dict[str, Any]]:
        """Returns the restored picture, and what there is to say of it."""
        ...

    def release(self) -> None:
        """Gives the memory of what is loaded back."""
        ...


class PictureRestorer:
    """Restores pictures of one batch, from any number of threads."""

    def __init__(
        self,
        job: BatchJob,
        sessions: Sequence[Runs],
        say: Callable[[str], None] | None = None,
        watch: StallWatch | None = None,
    ) -> None:
        """`sessions` has one for each step; steps with the same model share one."""
        self._job = job
        self._requests = job.requests()
        self._scale = job.scale
        self._sessions = sessions
        self._source = open_storage(job.source)
        self._target = open_storage(job.target)
        self._say = say
        self._watch = watch or StallWatch(job.stall_timeout_s)
        self._computing = threading.Lock()

    def restore(self, lease: Lease) -> Outcome:
        """Restores one picture; what goes wrong is in what it returns."""
        try:
            return self._restore(lease)
        except FATAL as error:
            return _failed(lease, error, fatal=True)
        except NoFaceFound as error:  # nothing to restore is nothing that failed
            return dataclasses.replace(_failed(lease, error), state="skipped")
        except OutputFailed as error:
            full = isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL
            return _failed(lease, error, fatal=full, retry=not full)
        except OutOfMemory as error:
            if memory.share() != memory.Share():
                hint = f"{error.hint}; `--workers 1` shares the memory with no other worker"
                error = OutOfMemory(error.message, hint=hint)
            return _failed(lease, error, retry=True)
        except PixelmendError as error:
            return _failed(lease, error, retry=error.code in ("storage-failed",))
        except MemoryError:
            error = OutOfMemory(
                "There is no memory for this picture", hint="Close other programs, or use --tile"
            )
            return _failed(lease, error, retry=True)
        except Exception:  # a door: a bug of ours is told as one, and the others go on
            logger.exception("picture %d", lease.id)
            error = PixelmendError(
                "Pixelmend failed for a reason that nobody expected",
                hint="The batch's log shows what happened; please report it",
            )
            return _failed(lease, error, retry=True)
        finally:
            self._watch.end(lease.id)

    def _restore(self, lease: Lease) -> Outcome:
        result_path = Path(lease.result)
        self._watch.begin(lease.id, lease.size_bytes)
        with self._source.fetch(lease.address) as path:
            content = _content(path)
            is_same = content is not None and content == lease.content
            if is_same and self._target.exists(lease.result):
                return Outcome(id=lease.id, state="done", unchanged=True)
            photo = images.read(path)
        losses = images.check_format(photo, result_path, self._scale)
        raster = images.to_raster(photo)
        height, width, _ = photo.pixels.shape
        facts: list[dict[str, Any]] = []
        self._watch.pause(lease.id)
        with self._computing:
            self._watch.begin(lease.id)
            started = time.perf_counter()
            for session, request in zip(self._sessions, self._requests, strict=True):
                raster, step_facts = self._run(session, raster, request, lease.id)
                facts.append(step_facts)
            seconds = time.perf_counter() - started
        self._watch.begin(lease.id, len(raster.data))
        with self._target.store(lease.result, overwrite=lease.replaces) as temporary:
            photo = images.with_pixels(photo, raster)
            for step_facts in facts if self._job.provenance else []:
                photo = images.signed(photo, Provenance.of(step_facts))
            images.write(photo, temporary, result=result_path)
        return Outcome(
            id=lease.id,
            state="done",
            content=content,
            seconds=seconds,
            pixels=width * height,
            device=str(facts[-1]["device"]),
            peak_bytes=max(step_facts["peak_bytes"] for step_facts in facts),
            facts=_kept(facts, photo, losses),
        )

    def _run(
        self, session: Runs, raster: Raster, request: TaskRequest, picture: int
    ) -> tuple[Raster, dict[str, Any]]:
        def progress(_phase: str, done: int, total: int, message: str = "", /) -> None:
            self._watch.step(picture, done, total)
            if message and self._say is not None:
                self._say(message)

        try:
            return session.run(raster, request, progress)
        except OutOfMemory:
            others = [other for other in self._sessions if other is not session]
            if not others:
                raise
        # Models of other steps are loaded anew for each picture: slow, and better than not at all.
        for other in others:
            other.release()
        return session.run(raster, request, progress)


def sessions_of(job: BatchJob) -> list[Runs]:
    """Returns what computes each step; a model that several steps have is loaded once.

    torch comes with the first picture.
    """
    import os

    from pixelmend_engine.restoration.session import Session
    from pixelmend_engine.weights.download import network_settings

    network = network_settings.resolve(os.environ)
    session_by_key: dict[tuple[object, ...], Session] = {}
    sessions: list[Runs] = []
    for request in job.requests():
        choice = request.model
        key = (choice.model, choice.scale, choice.device, choice.precision)
        if key not in session_by_key:
            session_by_key[key] = Session(Path(job.models_dir), network)
        sessions.append(session_by_key[key])
    return sessions


def _content(path: Path) -> str | None:
    with contextlib.suppress(OSError):  # who reads the picture says what is wrong
        return store.sha256(path)
    return None


def _failed(
    lease: Lease, error: PixelmendError, *, fatal: bool = False, retry: bool = False
) -> Outcome:
    return Outcome(
        id=lease.id,
        state="failed",
        code=error.code,
        message=error.message,
        hint=error.hint,
        fatal=fatal,
        retry=retry,
    )


def _kept(
    facts: Sequence[Mapping[str, Any]], photo: ImageFile, losses: Sequence[str]
) -> dict[str, Any]:
    steps = [
        {name: step_facts[name] for name in KEPT_FACTS if name in step_facts}
        for step_facts in facts
    ]
    return {"steps": steps, "notes": [*photo.notes, *losses]}
