"""One picture through one model: padded, cut into tiles where it must be, blended.

Some of one size may go together, where the model says so.
"""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Generator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.spec import MIN_TILE, ModelSpec
from pixelmend_engine.inference import devices, tiling
from pixelmend_engine.inference.memory_retry import retry_with_less
from pixelmend_engine.inference.tile_size import plan_tiles, planned_bytes
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline, TileRestorer, untold
from pixelmend_engine.nn.progress import Progress

logger = logging.getLogger(__name__)

REPLANNED = 3  # times, where a model that cuts pictures by itself was short of memory


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready, and where."""

    spec: ModelSpec
    pipeline: Pipeline
    device: torch.device
    notes: tuple[str, ...] = ()  # what the user should know of how it was chosen


@dataclass(frozen=True, kw_only=True)
class InferenceResult:
    """A restored picture, or some that went together, and what it took."""

    image: Float[Tensor, "b 3 hs ws"]  # sRGB; may leave [0, 1] a little
    tiles: int | None  # of all of them; None: the model cuts by itself, in each phase otherwise
    seconds: float
    peak_bytes: int  # the most memory this process has held on the device


def max_batch_size(model: LoadedModel, height: int, width: int, request: ModelRequest) -> int:
    """Returns how many pictures of a size go through a model together, by what is free now."""
    return model.pipeline.max_batch_size(height, width, _with_free_memory(request, model.device))


def _with_free_memory(request: ModelRequest, device: torch.device) -> ModelRequest:
    free_bytes = devices.free_bytes(device)
    if request.most_bytes is not None:
        free_bytes = min(free_bytes, request.most_bytes)
    return dataclasses.replace(
        request,
        free_bytes=free_bytes,
        host_free_bytes=devices.free_bytes(torch.device("cpu")),
    )


def run_model(
    model: LoadedModel, image: Float[Tensor, "b c h w"], request: ModelRequest, progress: Progress
) -> InferenceResult:
    """Restores a picture: as `pipeline.TileRestorer` gets it, with sides of any length.

    The request's `tile`: None cuts as memory allows, 0 never, else to tiles of that side.
    Of some that go together (see `max_batch_size`), each has a seed of its own.

    Raises:
        OutOfMemory: The picture, or the smallest tile of it, does not fit.
        Canceled: `progress` said so.
    """
    started = time.monotonic()
    spec, pipeline, device = model.spec, model.pipeline, model.device
    height, width = image.shape[-2:]
    scale = request.scale
    image = tiling.pad(image, spec.multiple, spec.padding)
    plan = plan_tiles(
        spec, image.shape[-2], image.shape[-1], request.tile, device, scale, request.most_bytes
    )
    before, each = pipeline.prepare_steps, pipeline.tile_steps
    total = before + len(plan.tiles) * each

    internal = spec.tiling == "internal"  # it cuts the picture by itself, as it is granted memory
    assert internal or len(image) == 1
    if internal:
        request = _with_free_memory(request, device)
    else:
        pixels = image.shape[-2] * image.shape[-1]
        request.tell_planned(planned_bytes(spec, plan, pixels, scale))

    progress.update(0, 1)
    with _as_out_of_memory(image.shape[-1], image.shape[-2], device):
        whole = image if internal else image.to(device)
        restorer = pipeline.prepare(whole, request, progress.part(before, of=total))
    shrinking = _TileShrinker(restorer, spec, device)

    def restore_tile(tile: Float[Tensor, "1 c h w"], number: int) -> Float[Tensor, "1 3 hs ws"]:
        return shrinking.restore(tile, progress.part(each, after=before + number * each, of=total))

    def restore_whole() -> Float[Tensor, "b 3 hs ws"]:
        replanning = _Replanner(pipeline, request, device)
        with _as_out_of_memory(width, height, device):
            return replanning.restore(restorer, image, progress.part(each, after=before, of=total))

    restored = restore_whole() if internal else tiling.apply(restore_tile, image, plan, int(scale))
    result = InferenceResult(
        image=restored[..., : int(height * scale), : int(width * scale)],
        tiles=None if internal else len(plan.tiles),
        seconds=time.monotonic() - started,
        peak_bytes=devices.peak_bytes(device),
    )
    logger.info(
        "restored %d x %d pixels with %s in %s tiles on %s: %.2f s, peak memory %.2f GB",
        width,
        height,
        spec.id,
        "its own" if internal else result.tiles,
        device,
        result.seconds,
        result.peak_bytes / 1e9,
    )
    return result


class _TileShrinker:
    """Restores tiles; one that does not fit into memory is cut, and so are all that follow.

    What was finished before stays: a cut tile is put together and blended as if it were whole.
    """

    def __init__(self, restorer: TileRestorer, spec: ModelSpec, device: torch.device) -> None:
        self._restorer = restorer
        self._spec = spec
        self._device = device
        self._side: int | None = None  # pixels, once a tile did not fit

    def restore(
        self, tile: Float[Tensor, "1 c h w"], progress: Progress
    ) -> Float[Tensor, "1 3 hs ws"]:
        """Restores a tile, in parts where it has to be."""
        height, width = tile.shape[-2:]

        def plan(side: int) -> tiling.Plan:
            return tiling.plan(height, width, side, self._spec.multiple)

        def halve(side: int) -> int:
            longest = max(max(t.rows.length, t.columns.length) for t in plan(side).tiles)
            if longest <= MIN_TILE:
                raise OutOfMemory(
                    f"The memory of `{self._device}` does not even hold a tile of {longest} "
                    "pixels a side",
                    hint="Close other programs",
                )
            self._side = max(MIN_TILE, longest // 2)
            logger.warning("out of memory: going on with tiles of %d pixels", self._side)
            return self._side

        return retry_with_less(
            lambda side: self._restore(tile, plan(side), progress),
            self._side or max(height, width),
            halve,
            self._device,
        )

    def _restore(
        self, tile: Float[Tensor, "1 c h w"], plan: tiling.Plan, progress: Progress
    ) -> Float[Tensor, "1 3 hs ws"]:
        def part(piece: Float[Tensor, "1 c h w"], number: int) -> Float[Tensor, "1 3 hs ws"]:
            own = progress.part(1, after=number, of=len(plan.tiles))
            return self._restorer(piece.to(self._device), own)

        return tiling.apply(part, tile, plan, int(self._spec.scales[0]))


class _Replanner:
    """Restores with a model that cuts pictures by itself; what did not fit is planned anew.

    Each time in half the memory, or with tiles half as large where the user chose them. Pictures
    that go together are not tried again: fewer of them may fit as they are.
    """

    def __init__(self, pipeline: Pipeline, request: ModelRequest, device: torch.device) -> None:
        self._pipeline = pipeline
        self._request = request
        self._device = device

    def restore(
        self, restorer: TileRestorer, image: Float[Tensor, "b c h w"], progress: Progress
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores pictures, with less memory each time that it was short."""

        def attempt(request: ModelRequest) -> Float[Tensor, "b 3 hs ws"]:
            first = request is self._request
            prepared = restorer if first else self._pipeline.prepare(image, request, Progress())
            return prepared(image, progress)

        left = 0 if len(image) > 1 or self._request.tile == 0 else REPLANNED

        def halve(request: ModelRequest) -> ModelRequest | None:
            nonlocal left
            if left == 0:
                return None
            left -= 1
            logger.warning("out of memory: planned anew, in half of it")
            free, tile = request.free_bytes, request.tile
            return dataclasses.replace(
                request,
                free_bytes=None if free is None else free // 2,
                tile=None if tile is None else tile // 2,
                add_note=untold,  # it was said
                warn_before=untold,
            )

        return retry_with_less(attempt, self._request, halve, self._device)


@contextlib.contextmanager
def _as_out_of_memory(width: int, height: int, device: torch.device) -> Generator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not devices.is_out_of_memory(error):
            raise
        raise OutOfMemory(
            f"The memory of `{device}` does not hold a picture of {width} x {height} pixels",
            hint="Close other programs, or restore the picture in parts",
        ) from error
