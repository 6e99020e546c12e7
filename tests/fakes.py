"""Small stand-ins for what takes long or can't be had."""

import dataclasses

import torch
from torch import Tensor

from pixelmend_engine.catalog.registry import find
from pixelmend_engine.catalog.spec import MemoryCost, ModelSpec, Tiling
from pixelmend_engine.models.pipeline import Report, Request, Restorer


def ignore(done: int, total: int) -> None:
    """Reports to nobody."""


def untold(words: str, done: int, total: int) -> None:
    """Tells nobody of downloads."""


def unsaid(phase: str, done: int, total: int, message: str = "", /) -> None:
    """Tells nobody of phases."""


class Brighter:
    """A pipeline that adds the same to every pixel, in two steps a tile, however many there are."""

    prepare_steps = 1
    tile_steps = 2

    def __init__(self, by: float = 0.0) -> None:
        self.by = by
        self.most = 1
        self.seeds: list[tuple[int, ...]] = []
        self.sizes: list[tuple[int, int]] = []

    def at_once(self, height: int, width: int, request: Request) -> int:
        return self.most

    def prepare(self, image: Tensor, request: Request, report: Report) -> Restorer:
        self.seeds.append(request.seeds)
        report(1, 1)

        def restore(tile: Tensor, report: Report) -> Tensor:
            self.sizes.append((tile.shape[-2], tile.shape[-1]))
            report(1, 2)
            report(2, 2)
            return tile + self.by

        return restore


class Starving(Brighter):
    """From some tile on, it has no memory for more than so many pixels a side."""

    def __init__(self, error: Exception, *, fails_at: int, largest: int) -> None:
        super().__init__()
        self.error = error
        self.fails_at = fails_at
        self.largest = largest
        self.refused = 0

    def prepare(self, image: Tensor, request: Request, report: Report) -> Restorer:
        inner = super().prepare(image, request, report)

        def restore(tile: Tensor, report: Report) -> Tensor:
            if len(self.sizes) >= self.fails_at and max(tile.shape) > self.largest:
                self.refused += 1
                raise self.error
            return inner(tile, report)

        return restore


class Failing:
    """A pipeline that fails as torch does."""

    prepare_steps = 1
    tile_steps = 1

    def __init__(self, error: Exception) -> None:
        self.error = error

    def at_once(self, height: int, width: int, request: Request) -> int:
        return 1

    def prepare(self, image: Tensor, request: Request, report: Report) -> Restorer:
        raise self.error


def spec(*, tile_bytes_per_pixel: int = 1, tiling: Tiling = "supported") -> ModelSpec:
    """Facts of a model that costs so much memory."""
    cost = MemoryCost(
        prepare_bytes_per_pixel=0, prepare_pixels=1, tile_bytes_per_pixel=tile_bytes_per_pixel
    )
    return dataclasses.replace(find("hi-diff-compact"), cost=cost, tiling=tiling)


CPU = torch.device("cpu")
