"""Who restores a batch's pictures: workers by name, which may end at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from pixelmend_engine.batch.records import Lease, Outcome

IN_HAND = 4  # pictures of a worker: one is read, one computed, one written, and the next waits


@dataclass(frozen=True)
class Completion:
    """A worker answered."""

    worker: str
    outcome: Outcome


@dataclass(frozen=True)
class Notice:
    """A worker has something to say to the user."""

    worker: str
    note: str


@dataclass(frozen=True)
class WorkerExit:
    """A worker ended, with all that it had in hand."""

    worker: str
    reason: str
    is_blameless: bool = False  # whether what it had in hand can't be why: its computer is gone
    stalled: Mapping[int, float] = field(default_factory=dict[int, float])
    """Pictures that got no further, for so many seconds: it was ended for them."""


Event = Completion | Notice | WorkerExit


@runtime_checkable
class WorkerPool(Protocol):
    """Workers, on this computer or on others."""

    def workers(self) -> Sequence[str]:
        """Names those that take pictures now."""
        ...

    def is_starting(self) -> bool:
        """Whether more will come, or come back."""
        ...

    def send(self, worker: str, lease: Lease) -> None:
        """Hands a picture to a worker; its answer comes out of `wait`."""
        ...

    def wait(self, timeout_s: float) -> list[Event]:
        """Returns what has happened, after `timeout_s` at the latest."""
        ...

    def retire(self, worker: str) -> None:
        """Ends a worker for good."""
        ...

    def close(self) -> None:
        """Ends all at once, whatever they have in hand."""
        ...
