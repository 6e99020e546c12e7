"""HI-Diff: what the bundled weights do to a photograph, and that it does it again.

What does not depend on what was learned is shown with a small network of random weights.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import small_hidiff
import torch
from conftest import EXAMPLES
from fakes import CPU, Function, loaded
from PIL import Image
from torch import Tensor, nn

from pixelmend.wire import Raster
from pixelmend_engine.catalog import registry
from pixelmend_engine.inference.tile_size import plan_tiles
from pixelmend_engine.inference.tiled_inference import run_model
from pixelmend_engine.models import loading
from pixelmend_engine.models.hidiff import HIDiff, HierarchicalIntegration
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline
from pixelmend_engine.nn.progress import STEPS, Progress
from pixelmend_engine.restoration.same_size import restore_same_size
from pixelmend_engine.weights import store

SPEC = registry.find("hi-diff-compact")
ASTRONAUT_INPUT_DB, ASTRONAUT_OUTPUT_DB = 22.71, 26.57  # from the weights' own card
BORDER = 8  # pixels left out there


@pytest.fixture(scope="module")
def bundled() -> Pipeline:
    return loading.load([SPEC], store.locate(SPEC, Path()), CPU, torch.float32)[1]


@pytest.fixture(scope="module")
def pipeline() -> PriorGuidedPipeline:
    """A small system, in the place of the bundled one."""
    return small_hidiff.pipeline()


@pytest.fixture(scope="module")
def shaken() -> np.ndarray:
    """The portrait, blurred as the weights' card describes (see examples/make_pictures.py)."""
    with Image.open(EXAMPLES / "astronaut_shaken.png") as image:
        return np.array(image)


@pytest.fixture(scope="module")
def part(shaken: np.ndarray) -> np.ndarray:
    return shaken[100:228, 150:278]


@pytest.fixture(scope="module")
def restored(bundled: Pipeline, shaken: np.ndarray) -> np.ndarray:
    """What the bundled weights make of the portrait, which takes seconds."""
    return run(bundled, shaken)


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    difference = one.astype(np.float64) - two
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


def run(pipeline: Pipeline, pixels: np.ndarray, *, seed: int = 0, tile: int = 0) -> np.ndarray:
    def through_the_model(image: Tensor) -> Tensor:
        request = ModelRequest(seeds=(seed,), tile=tile)
        return run_model(loaded(pipeline, SPEC), image, request, Progress()).image

    height, width, _ = pixels.shape
    source = Raster(width, height, "U8", "RGB", pixels.tobytes())
    result, _ = restore_same_size(source, 1.0, Function(through_the_model), Progress())
    return np.frombuffer(result.data, np.uint8).reshape(pixels.shape)


def inner(pixels: np.ndarray) -> np.ndarray:
    return pixels[BORDER:-BORDER, BORDER:-BORDER]


def test_the_portrait_gains_what_the_card_says(
    restored: np.ndarray, astronaut: np.ndarray, shaken: np.ndarray
) -> None:
    before = psnr(inner(shaken), inner(astronaut))
    after = psnr(inner(restored), inner(astronaut))
    # Proves that the blur here is the card's; both figures have two decimals.
    assert before == pytest.approx(ASTRONAUT_INPUT_DB, abs=0.006)
    # float32 sums in another order move some pixels by one level, far below a tenth of a dB.
    assert after == pytest.approx(ASTRONAUT_OUTPUT_DB, abs=0.1)


def test_a_picture_looked_at_in_bands_is_restored_the_same(
    pipeline: PriorGuidedPipeline, part: np.ndarray
) -> None:
    assert isinstance(pipeline.networks, HIDiff)
    encoder = pipeline.networks.net_le_dm
    bands = dataclasses.replace(encoder.bands, max_pixels=1)
    height, width, _ = part.shape
    assert encoder.bands.count(height, width) == 1
    assert bands.count(height, width) > 2
    image = torch.from_numpy(part.transpose(2, 0, 1).copy())[None].float() / 255
    noise = torch.randn(
        1, *pipeline.networks.prior_shape, generator=torch.Generator().manual_seed(1)
    )
    done: list[int] = []
    with torch.inference_mode():
        whole = pipeline.networks.diffuse_prior(image, noise)
        encoder.bands, before = bands, encoder.bands
        try:
            in_bands = pipeline.networks.diffuse_prior(image, noise)
            pipeline.prepare(image, ModelRequest(), Progress(lambda step, _: done.append(step)))
        finally:
            encoder.bands = before
    # Floats are added in another order; with one row less around a band it is 6e-4.
    torch.testing.assert_close(in_bands, whole, rtol=0, atol=1e-5)
    assert done == sorted(done)
    assert done[-1] == STEPS


def test_tiles_change_little(bundled: Pipeline, shaken: np.ndarray, restored: np.ndarray) -> None:
    difference = run(bundled, shaken, tile=256).astype(float) - restored
    # Attention within a tile sees other statistics than over the whole picture: 43.0 dB here.
    assert np.sqrt(np.mean(difference**2)) < 255 * 10 ** (-42 / 20)
    # Where tiles end, the difference must not step. Without ramps this ratio is above 1.6.
    steps = np.abs(np.diff(difference, axis=0)).mean(axis=(1, 2))
    plan = plan_tiles(SPEC, 512, 512, 256, CPU)
    ends = {end for tile in plan.tiles for end in (tile.rows.start, tile.rows.stop)} - {0, 512}
    assert np.mean([steps[end - 1] for end in ends]) < 1.3 * steps.mean()


def test_the_same_seed_gives_the_same_bits(pipeline: PriorGuidedPipeline, part: np.ndarray) -> None:
    first, second, other = (run(pipeline, part, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_progress_counts_every_step(pipeline: PriorGuidedPipeline) -> None:
    steps: list[tuple[int, int]] = []
    tile = torch.rand(1, 3, 32, 32)
    pipeline.prepare(tile, ModelRequest(), Progress())(
        tile, Progress(lambda done, total: steps.append((done, total)))
    )
    assert steps[-1] == (STEPS, STEPS)
    assert steps == sorted(steps)
    blocks = pipeline.prepare_steps
    steps.clear()
    pipeline.prepare(
        tile, ModelRequest(), Progress(lambda done, total: steps.append((done, total)))
    )
    assert steps == [(STEPS * (block + 1) // blocks, STEPS) for block in range(blocks)]


def test_no_hook_stays_behind(pipeline: PriorGuidedPipeline) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    tile = torch.rand(1, 3, 32, 32)
    with pytest.raises(Stopped):
        pipeline.prepare(tile, ModelRequest(), Progress())(tile, Progress(stop))
    steps: list[int] = []
    pipeline.prepare(tile, ModelRequest(), Progress())(
        tile, Progress(lambda done, total: steps.append(done))
    )
    assert len(steps) == len(set(steps))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_leaves_the_prior_alone(dtype: torch.dtype, part: np.ndarray) -> None:
    priors: dict[torch.dtype, Tensor] = {}
    results: dict[torch.dtype, np.ndarray] = {}
    for precision in (torch.float32, dtype):
        pipeline = small_hidiff.pipeline(precision)

        def keep(
            _: nn.Module, inputs: tuple[Tensor, Tensor], precision: torch.dtype = precision
        ) -> None:
            priors[precision] = inputs[1]

        networks = pipeline.networks
        assert isinstance(networks, HIDiff)
        networks.net_g.register_forward_pre_hook(keep)
        results[precision] = run(pipeline, part)
    assert priors[dtype].dtype == torch.float32
    assert torch.equal(priors[dtype], priors[torch.float32])
    # bfloat16 has 8 bits of mantissa: errors of a level or so, about 50 dB.
    assert psnr(results[dtype], results[torch.float32]) > 40


def test_attention_to_the_prior_is_learned_as_it_is_used() -> None:
    torch.manual_seed(0)
    attention = HierarchicalIntegration(channels=16, heads=2, prior_dim=8)
    places, prior = torch.randn(1, 16, 12, 12), torch.randn(1, 16, 8)
    with torch.autocast("cpu", torch.bfloat16):
        learned = attention(places, prior)
        with torch.no_grad():
            used = attention(places, prior)
    assert learned.requires_grad
    # Two ways to compute one attention: they may differ in the last of bfloat16's 8 bits.
    torch.testing.assert_close(learned.float(), used.float(), rtol=2**-7, atol=2**-7)
    learned.sum().backward()
    assert attention.kv.weight.grad is not None
    assert attention.kv.weight.grad.abs().sum() > 0
