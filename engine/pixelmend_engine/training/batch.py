"""What a step learns from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Target = Float[Tensor, "b 3 hs ws"]


@dataclass(frozen=True)
class Batch:
    """Pictures of one step: sRGB, [0, 1].

    Where there are holes, `lq` has a fourth channel, 1 in them. `real` is what a discriminator is
    shown as real, where that is not `hq`.
    """

    lq: Float[Tensor, "b i h w"]
    hq: Target
    real: Target | None = None

    def __len__(self) -> int:
        """Returns how many pictures there are."""
        return len(self.lq)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What an objective is called with."""
        return self.lq, self.hq

    def select(self, indices: Tensor) -> "Batch":
        """Returns some of the pictures."""
        real = None if self.real is None else self.real[indices]
        return Batch(self.lq[indices], self.hq[indices], real)

    def assign(self, indices: Tensor, other: "Batch") -> None:
        """Replaces some of the pictures by all of another batch."""
        self.lq[indices], self.hq[indices] = other.lq, other.hq
        if self.real is not None and other.real is not None:
            self.real[indices] = other.real

    def new_zeros(self, count: int) -> "Batch":
        """Returns as many empty pictures of the same kind."""
        real = None if self.real is None else self.real.new_zeros(count, *self.real.shape[1:])
        return Batch(
            self.lq.new_zeros(count, *self.lq.shape[1:]),
            self.hq.new_zeros(count, *self.hq.shape[1:]),
            real,
        )


def concatenate(batches: list[Batch]) -> Batch:
    """Puts batches behind each other; a `real` that one of them lacks is its `hq`."""
    if len(batches) == 1:
        return batches[0]
    reals = [batch.hq if batch.real is None else batch.real for batch in batches]
    return Batch(
        torch.cat([batch.lq for batch in batches]),
        torch.cat([batch.hq for batch in batches]),
        None if all(batch.real is None for batch in batches) else torch.cat(reals),
    )
