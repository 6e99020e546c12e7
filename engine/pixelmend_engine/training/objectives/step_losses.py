"""What one forward pass of a stage gives."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

Losses = dict[str, Float[Tensor, ""]]


class StepLosses(NamedTuple):
    """Losses, to be added up; metrics, which are only shown; and pictures, where any were made."""

    losses: Losses
    metrics: Losses
    restored: Float[Tensor, "b 3 hs ws"] | None
