"""What one forward pass of a stage gives."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

Losses = dict[str, Float[Tensor, ""]]


class Outcome(NamedTuple):
    """Losses, which are to be added up; numbers to look at; and pictures, where any were made."""

    losses: Losses
    noted: Losses
    restored: Float[Tensor, "b 3 hs ws"] | None
