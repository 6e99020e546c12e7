"""Small stand-ins for what takes long or can't be had."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from pixelmend_engine.catalog.registry import find
from pixelmend_engine.catalog.spec import MemoryCost, ModelSpec, Tiling
from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline, TileRestorer
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.faces.detector_and_parser import FaceDetectorAndParser
from pixelmend_engine.restoration.model_choice import ModelChoice
from pixelmend_engine.restoration.session import Session
from pixelmend_engine.weights.first_use import DownloadProgress, Downloads


def ignore(done: int, total: int) -> None:
    """Reports to nobody."""


def untold(words: str, done: int, total: int) -> None:
    """Tells nobody of downloads."""


def unsaid(phase: str, done: int, total: int, message: str = "", /) -> None:
    """Tells nobody of phases."""


@dataclasses.dataclass
class Function:
    """A runner that is a function of one picture."""

    function: Callable[[Tensor], Tensor]

    def max_batch_size(self, height: int, width: int) -> int:
        return 1

    def run(
        self,
        image: Tensor,
        progress: Progress,
        numbers: Sequence[int] = (0,),
        remaining: int = 1,
    ) -> Tensor:
        restored = self.function(image)
        progress.update(1, 1)
        return restored


class Brighter:
    """A pipeline that adds the same to every pixel, in two steps a tile, however many there are."""

    prepare_steps = 1
    tile_steps = 2

    def __init__(self, by: float = 0.0) -> None:
        self.by = by
        self.most = 1
        self.seeds: list[tuple[int, ...]] = []
        self.sizes: list[tuple[int, int]] = []

    def max_batch_size(self, height: int, width: int, request: ModelRequest) -> int:
        return self.most

    def prepare(self, image: Tensor, request: ModelRequest, progress: Progress) -> TileRestorer:
        self.seeds.append(request.seeds)
        progress.update(1, 1)

        def restore(tile: Tensor, progress: Progress) -> Tensor:
            self.sizes.append((tile.shape[-2], tile.shape[-1]))
            progress.update(1, 2)
            progress.update(2, 2)
            return tile[:, :3] + self.by  # whatever is behind it

        return restore


class Starving(Brighter):
    """From some tile on, it has no memory for more than so many pixels a side."""

    def __init__(self, error: Exception, *, fails_at: int, largest: int) -> None:
        super().__init__()
        self.error = error
        self.fails_at = fails_at
        self.largest = largest
        self.refused = 0

    def prepare(self, image: Tensor, request: ModelRequest, progress: Progress) -> TileRestorer:
        inner = super().prepare(image, request, progress)

        def restore(tile: Tensor, progress: Progress) -> Tensor:
            if len(self.sizes) >= self.fails_at and max(tile.shape) > self.largest:
                self.refused += 1
                raise self.error
            return inner(tile, progress)

        return restore


class Failing:
    """A pipeline that fails as torch does."""

    prepare_steps = 1
    tile_steps = 1

    def __init__(self, error: Exception) -> None:
        self.error = error

    def max_batch_size(self, height: int, width: int, request: ModelRequest) -> int:
        return 1

    def prepare(self, image: Tensor, request: ModelRequest, progress: Progress) -> TileRestorer:
        raise self.error


def spec(*, tile_bytes_per_pixel: int = 1, tiling: Tiling = "supported") -> ModelSpec:
    """Facts of a model that costs so much memory."""
    cost = MemoryCost(
        prepare_bytes_per_pixel=0, prepare_pixels=1, tile_bytes_per_pixel=tile_bytes_per_pixel
    )
    return dataclasses.replace(find("hi-diff-compact"), cost=cost, tiling=tiling)


CPU = torch.device("cpu")


def loaded(
    pipeline: Pipeline, facts: ModelSpec | None = None, device: torch.device = CPU
) -> LoadedModel:
    """A model that is ready."""
    return LoadedModel(facts or spec(), pipeline, device)


class LoadedSession(Session):
    """Has a model loaded, whatever is asked for, and fetches no weights of models."""

    def __init__(
        self, model: LoadedModel, folder: Path, face_networks: FaceDetectorAndParser | None = None
    ) -> None:
        super().__init__(folder, face_networks=face_networks)
        self.model = model

    def ensure_weights(
        self,
        choice: ModelChoice,
        download_progress: DownloadProgress,
        *,
        offline: bool,
        downloads: Downloads = "ask",
    ) -> tuple[str, ...]:
        return ()

    def load(self, choice: ModelChoice) -> LoadedModel:
        return self.model
