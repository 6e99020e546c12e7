"""The shape that every model family has: what a loaded model can be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.catalog.spec import Task
from pixelmend_engine.nn.progress import Progress


def untold(words: str) -> None:
    """Takes words, and tells nobody."""


def unplanned(planned_bytes: int) -> None:
    """Takes what a plan takes, and tells nobody."""


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """What is asked of a loaded model, for one picture, or for some of one size at once."""

    seeds: tuple[int, ...] = (0,)  # of each; the same one draws the same noise on every device
    scale: float = 1.0  # the result's size over the picture's; one that the model enlarges by
    task: Task = "restore"
    tile: int | None = None  # a side in pixels, 0 for none; None: as memory allows
    free_bytes: int | None = None  # that it may take on its device; None: nobody counts
    host_free_bytes: int | None = None  # that it may take beside its device, likewise
    most_bytes: int | None = None  # that its plan may take, whatever is free; None: no such limit
    tell_planned: Callable[[int], None] = unplanned  # takes how many bytes its plan takes
    remaining: int = 1  # of this size that are to come, these among them: for `warn_before`
    add_note: Callable[[str], None] = untold  # takes what the user should know of the result
    warn_before: Callable[[str], None] = untold  # takes what the user should know before it begins
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])  # those that it takes


@runtime_checkable
class TileRestorer(Protocol):
    """A model that has seen the whole picture and now restores it, tile by tile."""

    def __call__(
        self, tile: Float[Tensor, "b c h w"], progress: Progress
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores one tile: sRGB, [0, 1], in and out; hs = h * scale, ws = w * scale.

        Height and width are multiples of the model's `multiple`. Models that fill holes see 0
        there, and where they are in a fourth channel, which is 1 there. What comes out may leave
        [0, 1] a little. `progress` is that of the tile.
        """
        ...


@runtime_checkable
class Pipeline(Protocol):
    """A loaded model, ready to restore on the device where its networks lie."""

    @property
    def prepare_steps(self) -> int:
        """How much work looking at the whole picture is, against `tile_steps`."""
        ...

    @property
    def tile_steps(self) -> int:
        """How much work one tile is, against `prepare_steps`."""
        ...

    def max_batch_size(self, height: int, width: int, request: ModelRequest) -> int:
        """Returns how many pictures of a size it takes together, at least one.

        As many as gain time by it, and fit into the memory that is granted.
        """
        ...

    def prepare(
        self, image: Float[Tensor, "b c h w"], request: ModelRequest, progress: Progress
    ) -> TileRestorer:
        """Looks at the whole picture, once: as the restorer will see it, tile by tile.

        Of several, none changes what becomes of another, up to rounding.
        `progress` is that of looking.
        """
        ...
