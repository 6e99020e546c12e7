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

    def brownian(self, like: Latent, sigma: float, sigma_next: float) -> Latent:
        """Returns a Brownian path's increment from one sigma down to another, at variance 1."""
        ...


class SeededNoise:
    """Draws on the CPU, so that a seed means the same on every device.

    There is a seed for each latent of a batch: whichever others are in it, its draws are the same.
    """

    def __init__(self, *seeds: int) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._last_increment: tuple[float, float, Tensor] | None = None

    def draw(self, like: Latent) -> Latent:
        """Returns noise of the same shape, on the same device, in float32."""
        assert len(self._generators) == len(like)
        latents = [torch.randn(like.shape[1:], generator=each) for each in self._generators]
        return torch.stack(latents).to(like.device)

    def brownian(self, like: Latent, sigma: float, sigma_next: float) -> Latent:
        """Returns a Brownian path's increment from one sigma down to another, at variance 1.

        Where it starts as the last one did, and goes on further, they share their beginning.
        """
        increment, last = self.draw(like), self._last_increment
        if last is not None and last[0] == sigma and last[1] > sigma_next:
            _, sigma_mid, first = last
            both = math.sqrt(sigma - sigma_mid) * first
            both = both + math.sqrt(sigma_mid - sigma_next) * increment
            increment = both / math.sqrt(sigma - sigma_next)
        self._last_increment = sigma, sigma_next, increment
        return increment
