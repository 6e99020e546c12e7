"""One picture through one model, whatever the model."""

import dataclasses

import numpy as np
import pytest
import torch
from fakes import Brighter, Failing, Starving, loaded, spec
from torch import Tensor

from pixelmend.errors import Canceled, OutOfMemory
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.inference import devices
from pixelmend_engine.inference.tiled_inference import (
    REPLANNED,
    InferenceResult,
    run_model,
)
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline, TileRestorer
from pixelmend_engine.nn.progress import STEPS, Listener, Progress


@pytest.fixture
def portrait(astronaut: np.ndarray) -> Tensor:
    return torch.from_numpy(astronaut).permute(2, 0, 1)[None] / 255


@pytest.fixture
def pixels(portrait: Tensor) -> Tensor:
    return portrait[..., :301, :413]  # neither side is a multiple of 8


def run(
    pipeline: Pipeline,
    image: Tensor,
    listener: Listener | None = None,
    facts: ModelSpec | None = None,
    **request: object,
) -> InferenceResult:
    asked = ModelRequest(**request)  # pyright: ignore[reportArgumentType] - a test knows what
    return run_model(loaded(pipeline, facts), image, asked, Progress(listener))


def assert_same(result: InferenceResult, image: Tensor) -> None:
    """Compares, up to the rounding of two blending weights that add up to 1."""
    torch.testing.assert_close(result.image, image, atol=2e-7, rtol=0)


def test_a_model_that_changes_nothing_changes_nothing(pixels: Tensor) -> None:
    for tile in (0, 192):
        result = run(Brighter(), pixels, tile=tile)
        assert_same(result, pixels)


def test_the_model_sees_multiples_of_what_it_asks_for(pixels: Tensor) -> None:
    pipeline = Brighter()
    run(pipeline, pixels, tile=192)
    assert len(pipeline.sizes) > 1
    assert all(height % 8 == 0 and width % 8 == 0 for height, width in pipeline.sizes)


def test_progress_rises_to_a_total_known_before(pixels: Tensor) -> None:
    reports: list[tuple[int, int]] = []
    result = run(Brighter(), pixels, lambda done, total: reports.append((done, total)), tile=192)
    assert result.tiles is not None
    steps = 1 + 2 * result.tiles
    assert [done for done, _ in reports] == [STEPS * step // steps for step in range(steps + 1)]
    assert {total for _, total in reports} == {STEPS}


def test_cancel_ends_it_at_the_next_step(pixels: Tensor) -> None:
    pipeline = Brighter()

    calls: list[int] = []

    def cancel(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 5:  # the start, the look, two steps of a tile, one of the next
            raise Canceled("Canceled", hint="")

    with pytest.raises(Canceled):
        run(pipeline, pixels, cancel, tile=192)
    assert len(pipeline.sizes) == 2


def test_the_seed_reaches_the_model(pixels: Tensor) -> None:
    pipeline = Brighter()
    run(pipeline, pixels, seeds=(7,))
    assert pipeline.seeds == [(7,)]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("can't allocate memory: 9 bytes"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("fails_at", [0, 1, 3])
def test_want_of_memory_halves_the_tile_and_goes_on(
    error: Exception, fails_at: int, portrait: Tensor
) -> None:
    shares: list[tuple[int, int]] = []
    pipeline = Starving(error, fails_at=fails_at, largest=280)

    def note(done: int, total: int) -> None:
        shares.append((done, total))

    result = run(pipeline, portrait, note, tile=384)
    assert_same(result, portrait)  # blended without a trace
    assert pipeline.refused == 1
    assert shares == sorted(shares)
    assert shares[-1] == (STEPS, STEPS)


def test_a_picture_taken_whole_is_cut_where_it_does_not_fit(portrait: Tensor) -> None:
    pipeline = Starving(MemoryError(), fails_at=0, largest=200)
    result = run(pipeline, portrait, tile=0)
    assert_same(result, portrait)
    assert pipeline.refused == 2  # 512, 256; 192 fits


def test_where_nothing_fits_there_is_no_endless_loop(pixels: Tensor) -> None:
    pipeline = Starving(MemoryError(), fails_at=0, largest=100)
    with pytest.raises(OutOfMemory, match="not even hold a tile"):
        run(pipeline, pixels, tile=0)


def test_a_picture_that_can_not_be_looked_at_is_told(pixels: Tensor) -> None:
    with pytest.raises(OutOfMemory, match="does not hold a picture of 416 x 304"):
        run(Failing(MemoryError()), pixels, tile=0)


def test_other_failures_are_not_taken_for_want_of_memory(pixels: Tensor) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        run(Failing(RuntimeError("shapes differ")), pixels)


INTERNAL = dataclasses.replace(spec(), tiling="internal")


FREE = 8_000_000_000


def free(device: torch.device) -> int:
    return FREE


class Granted(Starving):
    """Cuts pictures by itself, as DiffBIR does, and needs more memory than it is granted."""

    def __init__(self, needs: int) -> None:
        super().__init__(MemoryError(), fails_at=0, largest=0)
        self.needs = needs
        self.requests: list[ModelRequest] = []

    def prepare(self, image: Tensor, request: ModelRequest, progress: Progress) -> TileRestorer:
        self.requests.append(request)
        self.largest = 10**6 if (request.free_bytes or 0) <= self.needs else 0
        request.add_note("fidelity")
        return super().prepare(image, request, progress)


@pytest.mark.parametrize("halvings", [0, 1, 3])
def test_what_did_not_fit_is_planned_anew_in_half_the_memory(
    pixels: Tensor, monkeypatch: pytest.MonkeyPatch, halvings: int
) -> None:
    monkeypatch.setattr(devices, "free_bytes", free)
    pipeline = Granted(FREE >> halvings)
    notes: list[str] = []
    steps: list[int] = []
    done = run(
        pipeline, pixels, lambda done, _: steps.append(done), INTERNAL, add_note=notes.append
    )
    assert torch.equal(done.image, pixels)
    assert [one.free_bytes for one in pipeline.requests] == [FREE >> n for n in range(halvings + 1)]
    assert notes == ["fidelity"]
    assert steps == sorted(steps)


def test_planning_anew_ends(pixels: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "free_bytes", free)
    pipeline = Granted(10)
    with pytest.raises(OutOfMemory):
        run(pipeline, pixels, facts=INTERNAL)
    assert len(pipeline.requests) == REPLANNED + 1


def test_a_picture_that_is_never_to_be_cut_is_not_tried_again(pixels: Tensor) -> None:
    pipeline = Granted(-1)
    with pytest.raises(OutOfMemory):
        run(pipeline, pixels, facts=INTERNAL, tile=0)
    assert len(pipeline.requests) == 1
