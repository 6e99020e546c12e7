"""What is said of a picture on its way: found, leased, finished; and of all of them together."""

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["waiting", "running", "done", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class SourcePicture:
    """A picture as the listing found it."""

    address: str
    result: str
    result_key: str
    size_bytes: int
    modified: str


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A picture that a worker is to restore."""

    id: int
    address: str
    result: str
    replaces: bool  # whether a result that is there already is ours to replace
    content: str | None  # what was restored before, with these options: it may be the same still
    size_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a picture."""

    id: int
    state: State
    content: str | None = None
    seconds: float = 0.0
    pixels: int = 0
    device: str = ""
    peak_bytes: int = 0
    code: str | None = None
    message: str | None = None
    hint: str | None = None
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    unchanged: bool = False  # the result of before is still the right one
    retry: bool = False  # another try may end better
    fatal: bool = False  # the worker would fail with every other picture as well


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How far a batch is."""

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    pixels: int = 0  # of what is done
    seconds: float = 0.0  # of computing

    @property
    def listed(self) -> int:
        """How many pictures there are."""
        return self.waiting + self.running + self.done + self.failed + self.skipped
