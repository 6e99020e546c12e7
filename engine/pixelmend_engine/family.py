"""The shape that every model family has: what a loaded model can be asked."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

Report = Callable[[int, int], None]
"""Takes steps done and steps in all; raises `Canceled` when the user asked to stop."""


@runtime_checkable
class Restorer(Protocol):
    """A model that has seen the whole picture and now restores it, tile by tile."""

    def __call__(
        self, tile: Float[Tensor, "1 3 h w"], report: Report
    ) -> Float[Tensor, "1 3 hs ws"]:
        """Restores one tile: sRGB, [0, 1], in and out; hs = h * scale, ws = w * scale.

        Height and width are multiples of the model's `multiple`. What comes out may leave [0, 1]
        a little. Calls `report(done, tile_steps)` after each step.
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

    def prepare(self, image: Float[Tensor, "1 3 h w"], seed: int, report: Report) -> Restorer:
        """Looks at the whole picture, once: sRGB, [0, 1], sides multiples of `multiple`.

        The same seed draws the same noise on every device. Calls `report(done, prepare_steps)`
        after each step.
        """
        ...
