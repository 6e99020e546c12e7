"""Workers on a Ray cluster: an actor a GPU, or for so many cores. The one module that imports ray.

Leases and outcomes travel, never pictures: each node reads and writes them itself. An actor that
ends, alone or with its node, is asked for anew, wherever the cluster has room.
"""

import contextlib
import dataclasses
import logging
import os
import platform
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pixelmend import paths
from pixelmend.errors import EngineUnavailable, PackageMissing
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.local_plan import CORES_EACH, worker_bytes
from pixelmend_engine.batch.picture_restorer import PictureRestorer, Runs, sessions_of
from pixelmend_engine.batch.pool import IN_HAND, Completion, Event, Notice, WorkerExit
from pixelmend_engine.batch.records import Lease, Outcome
from pixelmend_engine.batch.stall_watch import MAX_GAP_S, MIN_SILENCE_S, MIN_TIMEOUT_S, StallWatch
from pixelmend_engine.inference import memory

try:
    import ray
    import ray.exceptions
except ImportError as error:
    raise PackageMissing(
        "Clusters are Ray's, which is not installed",
        hint='`pip install "pixelmend[cluster]"` brings it',
    ) from error

LOCAL = "local"  # the word for a cluster of this computer alone, for as long as the batch lasts
NODE_LOST = "its node has died"  # in Ray's words, which no class of errors tells apart
CONNECT_TIMEOUT_S = 10.0
MAX_EARLY_EXITS = 5  # actors in a row that end before they can take a picture
NO_ROOM_NOTICE_S = 30.0  # that no actor has found a place

Call = Literal["where", "restore", "stalled"]  # what of an actor's methods is to be answered
Sessions = Callable[[BatchJob], Sequence[Runs]]


class Restorer:
    """What an actor does: see `PictureRestorer`. It knows where it is."""

    def __init__(self, job: str, sessions: Sessions, threads: int) -> None:
        """Reads the job; models lie where this node has them: who needs one first fetches it."""
        if threads:
            os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported
        for library in ("PIL", "tifffile", "urllib3"):
            logging.getLogger(library).setLevel(logging.CRITICAL)  # what they say, we say
        models = os.environ.get("PIXELMEND_MODELS") or str(paths.resolve().models)
        here = dataclasses.replace(BatchJob.from_json(job), models_dir=models)
        memory.limit_to(memory.Share(_memory_share()))
        self._notes: list[str] = []
        self._watch = StallWatch(here.stall_timeout_s)
        self._restorer = PictureRestorer(here, sessions(here), self._notes.append, self._watch)

    def where(self) -> str:
        """Names the node, once the actor can take pictures."""
        node = str(ray.get_runtime_context().get_node_id())
        return f"{platform.node()} ({node[:8]})"

    def restore(self, lease: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Restores one picture; returns what became of it, and what the user should know."""
        outcome = self._restorer.restore(Lease(**lease))
        notes, self._notes[:] = list(dict.fromkeys(self._notes)), []
        return dataclasses.asdict(outcome), notes

    def stalled(self) -> dict[int, float]:
        """Returns which pictures get no further; see `StallWatch.stalled`."""
        return self._watch.stalled()


def _memory_share() -> int | None:
    """Returns an actor's part of its node's memory, by how many such actors the node has room for.

    Ray only counts what actors ask for; what they take is theirs to see to.
    """
    context = ray.get_runtime_context()
    nodes = cast("list[dict[str, Any]]", ray.nodes())
    (node,) = (one["Resources"] for one in nodes if one["NodeID"] == context.get_node_id())
    assigned = context.get_assigned_resources()
    places = [int(node[name] // count) for name, count in assigned.items() if count]
    return int(node["memory"] // max(1, min(places))) if "memory" in node else None


@dataclasses.dataclass
class _Actor:
    handle: Any
    name: str = ""  # with its node; empty: it has found no place yet
    checked_at: float = 0.0  # when it was asked which of its pictures get no further; monotonic
    is_checking: bool = False  # whether it has still to answer that


class RayPool:
    """Actors of a cluster, as a `WorkerPool`."""

    def __init__(
        self,
        job: BatchJob,
        address: str,
        count: int | None,
        sessions: Sessions = sessions_of,
    ) -> None:
        """Connects, and asks for `count` actors, or for as many as the cluster has room now.

        Raises:
            EngineUnavailable: There is no cluster at the address.
        """
        self._job = job
        self._sessions = sessions
        _connect(address)
        self._resources, room = _resources(job)
        self._pending: dict[Any, tuple[int, Call]] = {}  # by what Ray has for an answer
        self._check_s = StallWatch(job.stall_timeout_s).check_s
        self._timeout_s = max(job.stall_timeout_s or MIN_TIMEOUT_S, MIN_SILENCE_S)
        self._waited_at = time.monotonic()
        self._early_exits = 0
        self._since = time.monotonic()
        self._actors: dict[int, _Actor] = {}
        for number in range(count or room):
            self._start(number)

    def workers(self) -> Sequence[str]:
        """See `WorkerPool.workers`."""
        return [actor.name for actor in self._actors.values() if actor.name]

    def is_starting(self) -> bool:
        """See `WorkerPool.is_starting`."""
        return any(not actor.name for actor in self._actors.values())

    def send(self, worker: str, lease: Lease) -> None:
        """See `WorkerPool.send`."""
        number = self._number(worker)
        answer = self._actors[number].handle.restore.remote(dataclasses.asdict(lease))
        self._pending[answer] = (number, "restore")

    def wait(self, timeout_s: float) -> list[Event]:
        """See `WorkerPool.wait`.

        Raises:
            EngineUnavailable: Actors end as soon as they start, or the cluster is gone.
        """
        events = self._watch_actors()
        if not self._pending:
            time.sleep(timeout_s)
            return events
        answers = list(self._pending)
        try:
            ready = _ready(answers, 1, timeout_s) and _ready(answers, len(answers), 0.0)
        except ray.exceptions.RayError as error:
            raise _connection_lost(error) from error
        # What is restored counts before its actor is ended for another picture.
        for answer in sorted(ready, key=lambda answer: self._pending[answer][1] == "stalled"):
            if answer in self._pending:  # else its actor has been replaced
                events += self._answered(answer)
        if not self.workers() and time.monotonic() - self._since > NO_ROOM_NOTICE_S:
            self._since = time.monotonic()
            events.append(Notice("", "The cluster has no room for a worker yet; waiting for it"))
        return events

    def retire(self, worker: str) -> None:
        """See `WorkerPool.retire`."""
        self._remove(self._number(worker))

    def close(self) -> None:
        """See `WorkerPool.close`."""
        for number in list(self._actors):
            self._remove(number)
        ray.shutdown()

    def _start(self, number: int) -> None:
        # One call more than there are pictures: which of them get no further.
        options: dict[str, Any] = {**self._resources, "max_concurrency": IN_HAND + 1}
        actor: Any = ray.remote(Restorer)
        threads = 0 if self._resources.get("num_gpus") else int(self._resources["num_cpus"])
        handle = actor.options(**options).remote(self._job.to_json(), self._sessions, threads)
        self._actors[number] = _Actor(handle)
        self._pending[handle.where.remote()] = (number, "where")

    def _watch_actors(self) -> list[Event]:
        now = time.monotonic()
        has_stood_still = now - self._waited_at > MAX_GAP_S
        self._waited_at = now
        events: list[Event] = []
        for number, actor in list(self._actors.items()):
            if not actor.name:
                continue
            if has_stood_still:  # this process did, and maybe the whole computer
                actor.checked_at = now
            waited_s = now - actor.checked_at
            if actor.is_checking and waited_s > self._timeout_s:
                self._replace(number)
                events.append(
                    WorkerExit(actor.name, f"it did nothing for {waited_s / 60:.0f} minutes")
                )
            elif not actor.is_checking and waited_s > self._check_s:
                actor.checked_at, actor.is_checking = now, True
                self._pending[actor.handle.stalled.remote()] = (number, "stalled")
        return events

    def _answered(self, answer: Any) -> list[Event]:
        number, call = self._pending.pop(answer)
        actor = self._actors[number]
        try:
            value: Any = ray.get(answer)
        except ray.exceptions.RayActorError as error:
            return self._handle_exit(number, error)
        except ray.exceptions.RayTaskError as error:  # the actor itself could not be made
            return self._handle_exit(number, error)
        match call:
            case "where":
                self._early_exits = 0
                actor.name = f"worker-{number} on {value}"
                return []
            case "stalled":
                actor.is_checking = False
                if not value:
                    return []
                self._replace(number)
                return [WorkerExit(actor.name, "its picture got no further", stalled=value)]
            case "restore":
                outcome, notes = value
                notices = [Notice(actor.name, note) for note in notes]
                return [*notices, Completion(actor.name, Outcome(**outcome))]

    def _handle_exit(self, number: int, error: Exception) -> list[Event]:
        actor = self._actors[number]
        # The first sentence of the last line; what follows are guesses of Ray's.
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        reason = [last[0].partition(". ")[0]]
        if not actor.name:
            self._early_exits += 1
            if self._early_exits >= MAX_EARLY_EXITS:
                raise EngineUnavailable(
                    f"The workers end as soon as they start: {reason[0]}",
                    hint="See that each node has this version of Pixelmend; Ray's logs say more",
                ) from error
        self._replace(number)
        if not actor.name:
            return []
        return [WorkerExit(actor.name, reason[0], is_blameless=NODE_LOST in str(error))]

    def _replace(self, number: int) -> None:
        self._remove(number)
        self._start(number)

    def _remove(self, number: int) -> None:
        actor = self._actors.pop(number)
        self._pending = {key: entry for key, entry in self._pending.items() if entry[0] != number}
        with contextlib.suppress(ray.exceptions.RayError):  # it may be gone
            ray.kill(actor.handle)

    def _number(self, worker: str) -> int:
        return next(n for n, actor in self._actors.items() if actor.name == worker)


def _ready(answers: list[Any], count: int, timeout_s: float) -> list[Any]:
    wait = cast("Any", ray).wait  # its types are of what answers hold
    return wait(answers, num_returns=count, timeout=timeout_s)[0]


def _connect(address: str) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        settings |= {"include_dashboard": False}
    try:
        _check_reachable(address)
        ray.init(address=address, **settings)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise EngineUnavailable(
            f"There is no Ray cluster at `{address}`: {str(error).splitlines()[0]}",
            hint="Check the address (`ray status` shows it), or take `--ray local`",
        ) from error


def _check_reachable(address: str) -> None:
    # Where nobody listens, Ray itself waits for minutes.
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), CONNECT_TIMEOUT_S).close()


def _resources(job: BatchJob) -> tuple[dict[str, Any], int]:
    """Returns what each actor needs, and how many the cluster has room for now: one at least."""
    total = cast("dict[str, float]", ray.cluster_resources())
    if gpus := int(total.get("GPU", 0)):
        return {"num_gpus": 1, "num_cpus": 1}, gpus
    if str(job.steps[0].get("device", "auto")).startswith("cuda"):
        return {"num_gpus": 1, "num_cpus": 1}, 1  # which an autoscaler may bring
    nodes = [node["Resources"] for node in cast("list[Any]", ray.nodes()) if node["Alive"]]
    computing = [node for node in nodes if node.get("CPU")]
    cores = max(1, min([CORES_EACH, *(int(node["CPU"]) for node in computing)]))
    needs: dict[str, Any] = {"num_cpus": cores}
    largest = max((int(node.get("memory", 0)) for node in computing), default=0)
    if largest:  # smaller tiles do where the largest do not fit
        needs["memory"] = min(worker_bytes(job), largest)
    rooms = (
        min(int(node["CPU"]) // cores, int(node.get("memory", 0) // needs.get("memory", 1)))
        for node in computing
    )
    return needs, max(1, sum(rooms))


def _connection_lost(error: Exception) -> EngineUnavailable:
    return EngineUnavailable(
        f"The Ray cluster is gone: {str(error).splitlines()[0]}",
        hint="Start it, and go on with the same command",
    )
