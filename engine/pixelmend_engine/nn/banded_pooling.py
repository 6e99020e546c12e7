"""Pooling what a convolutional network sees of a picture that is too large to be seen at once."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Bands:
    """How a picture is cut into bands of rows, for a network that makes it `shrink` times smaller.

    No place of what the network puts out depends on more than `reach` rows of it above and below.
    """

    shrink: int
    reach: int
    max_pixels: int  # in a band, where that is worth the rows that are seen twice

    def rows(self, width: int) -> int:
        """Returns how many rows of its output a band is for."""
        affordable = self.max_pixels // (width * self.shrink) - 2 * self.reach
        return max(2 * self.reach, affordable)

    def count(self, height: int, width: int) -> int:
        """Returns how many bands a picture has."""
        return -(-height // (self.shrink * self.rows(width)))

    def pooled(
        self,
        features: Callable[[Float[Tensor, "b c h w"]], Float[Tensor, "b f hs ws"]],
        image: Float[Tensor, "b c h w"],
        cells: int,
    ) -> Float[Tensor, "b f cells cells"]:
        """Averages `features(image)` over a grid of cells, as `AdaptiveAvgPool2d(cells)` does.

        The result is the same but for the order in which floats are added.
        """
        height, rows = image.shape[-2] // self.shrink, self.rows(image.shape[-1])
        averaged: list[Tensor] = []
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            top, bottom = max(0, start - self.reach), min(stop + self.reach, height)
            band = features(image[..., top * self.shrink : bottom * self.shrink, :])
            band = band[..., start - top : stop - top, :]
            averaged.append(functional.adaptive_avg_pool2d(band, (stop - start, cells)))
        return functional.adaptive_avg_pool2d(torch.cat(averaged, dim=-2), cells)
