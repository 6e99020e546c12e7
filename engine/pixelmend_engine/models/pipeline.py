"""The shape that every model family has: what a loaded model can be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.catalog.spec import Task

Report = Callable[[int, int], None]
"""Takes steps done and steps in all; raises `Canceled` when the user asked to stop."""


def untold(words: str) -> None:
    """Takes words, and tells nobody."""


def unreported(done: int, total: int) -> None:
    """Takes steps, and reports to nobody."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a loaded model, for one picture, or for some of one size at once."""

    seeds: tuple[int, ...] = (0,)  # of each; the same one draws the same noise on every device
    scale: float = 1.0  # the result's size over the picture's; one that the model enlarges by
    task: Task = "restore"
    tile: int | None = None  # a side in pixels, 0 for none; None: as memory allows
    free_bytes: int | None = None  # that it may take on its device; None: nobody counts
    host_free_bytes: int | None = None  # that it may take beside its device, likewise
    ahead: int = 1  # pictures of this size that are to come, these among them: for what is foretold
    say: Callable[[str], None] = untold  # takes what the user should know of the result
    foretell: Callable[[str], None] = untold  # takes what the user should know before it begins
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])  # those that it takes


@runtime_checkable
class Restorer(Protocol):
    """A model that has seen the whole picture and now restores it, tile by tile."""

    def __call__(
        self, tile: Float[Tensor, "b c h w"], report: Report
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores one tile: sRGB, [0, 1], in and out; hs = h * scale, ws = w * scale.

        Height and width are multiples of the model's `multiple`. Models that fill holes see 0
        there, and where they are in a fourth channel, which is 1 there. What comes out may leave
        [0, 1] a little. Calls `report(done, tile_steps)` after each step.
        """
        ...


@runtime_checkable
class Pipeline(Protocol):
    """A loaded model, ready to restore on the device where its networks lie."""

    @property
    def prepare_steps(self) -> int:
        """How many steps looking at the whole picture takes."""
        ...

    @property
    def tile_steps(self) -> int:
        """How many steps one tile takes."""
        ...

    def at_once(self, height: int, width: int, request: Request) -> int:
        """Returns how many pictures of a size it takes together, at least one.

        As many as gain time by it, and fit into the memory that is granted.
        """
        ...

    def prepare(
        self, image: Float[Tensor, "b c h w"], request: Request, report: Report
    ) -> Restorer:
        """Looks at the whole picture, once: as the restorer will see it, tile by tile.

        Of several, none changes what becomes of another, up to rounding.
        Calls `report(done, prepare_steps)` after each step.
        """
        ...
