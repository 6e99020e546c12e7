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
    """Draws on the CPU, so that a seed means the same on every device."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._last: tuple[float, float, Tensor] | None = None

    def draw(self, like: Latent) -> Latent:
        """Returns noise of the same shape, on the same device, in float32."""
        return torch.randn(like.shape, generator=self._generator).to(like.device)

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
