"""Where samplers take their noise from."""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Latent = Float[Tensor, "b c h w"]


@runtime_checkable
class Noise(Protocol):
    """Draws normal noise; each draw counts, because the same seed gives the same draws."""

    def draw(self, like: Latent) -> Latent:
        """Returns noise of the same shape, on the same device, in float32."""
        ...

    def along(self, like: Latent, start: float, stop: float) -> Latent:
        """Returns the way of a Brownian path from one sigma down to another, of variance 1."""
        ...


class SeededNoise:
    """Draws on the CPU, so that a seed means the same on every device.

    There is a seed for each latent of a batch: whichever others are in it, its draws are the same.
    """

    def __init__(self, *seeds: int) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._last: tuple[float, float, Tensor] | None = None

    def draw(self, like: Latent) -> Latent:
        """Returns noise of the same shape, on the same device, in float32."""
        assert len(self._generators) == len(like)
        drawn = [torch.randn(like.shape[1:], generator=each) for each in self._generators]
        return torch.stack(drawn).to(like.device)

    def along(self, like: Latent, start: float, stop: float) -> Latent:
        """Returns the way of a Brownian path from one sigma down to another, of variance 1.

        Where it begins as the last one did, and goes on further, they share their beginning.
        """
        fresh, last = self.draw(like), self._last
        if last is not None and last[0] == start and last[1] > stop:
            _, middle, before = last
            way = math.sqrt(start - middle) * before + math.sqrt(middle - stop) * fresh
            fresh = way / math.sqrt(start - stop)
        self._last = start, stop, fresh
        return fresh
