"""Bodies in, bodies out: what is not to be restored stays to the byte."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_hidiff
from fakes import unsaid
from PIL import Image

from pixelmend.errors import UnknownModel, WeightsMissing
from pixelmend.wire import Bytes, Json, Raster, decode
from pixelmend_engine.catalog import registry
from pixelmend_engine.restoration import task_request
from pixelmend_engine.restoration.task_request import PlanLimit, ProgressCallback, Request
from pixelmend_engine.server.jobs import WorkItem
from pixelmend_engine.server.worker import Worker

MODEL = "hi-diff-gopro"


class InFolder:
    """A worker whose jobs all name one models folder."""

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir
        self.worker = Worker()

    def run(self, raster: Raster, request: Request, progress: ProgressCallback) -> list[Bytes]:
        item = WorkItem(
            raster=raster, request=request, models_dir=self.models_dir, limit=PlanLimit()
        )
        return self.worker.run(item, progress)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InFolder]:
    """A worker whose one model is a small one of random weights."""
    models_dir = tmp_path_factory.mktemp("models")
    small_hidiff.install(MODEL, models_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "MODELS", (small_hidiff.small(MODEL),))
        yield InFolder(models_dir)


@pytest.fixture
def pixels(small: Image.Image) -> np.ndarray:
    return np.asarray(small)


def run(worker: InFolder, raster: Raster, **options: object) -> tuple[np.ndarray, Raster, Json]:
    """Restores, and returns the samples as an array, too."""
    asked: Json = {"task": "deblur", "device": "cpu", **options}
    said: list[str] = []

    def say(phase: str, done: int, total: int, message: str = "", /) -> None:
        said.append(phase)

    pieces = worker.run(raster, task_request.read(asked), say)
    assert said[0] == "load"
    assert said[-1] == "run"
    result, facts = decode(b"".join(bytes(piece) for piece in pieces))
    return (
        np.frombuffer(result.data, np.uint8).reshape(raster.height, raster.width, -1),
        result,
        facts,
    )


def raster(pixels: np.ndarray, channels: str, **more: object) -> Raster:
    """Puts an array into a picture."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    return Raster(width, height, "U8", channels, data, **more)  # pyright: ignore[reportArgumentType]


def test_every_order_of_channels_gives_the_same_picture(
    worker: InFolder, pixels: np.ndarray
) -> None:
    alpha = (1 + np.arange(pixels[..., :1].size) % 255).astype(np.uint8)  # nothing is hidden
    alpha = alpha.reshape(pixels[..., :1].shape)
    rgb, _, facts = run(worker, raster(pixels, "RGB"))
    assert facts["model"] == MODEL
    assert (rgb != pixels).any()
    bgr, _, _ = run(worker, raster(pixels[..., ::-1], "BGR"))
    rgba, _, _ = run(worker, raster(np.dstack([pixels, alpha]), "RGBA"))
    bgra, _, _ = run(worker, raster(np.dstack([pixels[..., ::-1], alpha]), "BGRA"))
    np.testing.assert_array_equal(bgr[..., ::-1], rgb)
    np.testing.assert_array_equal(rgba, np.dstack([rgb, alpha]))
    np.testing.assert_array_equal(bgra, np.dstack([bgr, alpha]))


def test_gray_is_restored_as_gray(worker: InFolder, small: Image.Image) -> None:
    gray = np.asarray(small.convert("L"))
    result, _, _ = run(worker, raster(gray[..., None], "Y"))
    assert result.shape == (*gray.shape, 1)
    color, _, _ = run(worker, raster(np.dstack([gray] * 3), "RGB"))
    difference = result[..., 0].astype(int) - np.asarray(Image.fromarray(color).convert("L"))
    assert np.abs(difference).max() <= 1  # rounded once instead of twice


def test_outside_the_mask_every_byte_stays(worker: InFolder, pixels: np.ndarray) -> None:
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[:, 30:] = 255
    mask[:, 29] = 128
    whole, _, _ = run(worker, raster(pixels, "RGB"))
    masked, _, _ = run(worker, raster(pixels, "RGB", mask=mask.tobytes()))
    np.testing.assert_array_equal(masked[:, :29], pixels[:, :29])
    np.testing.assert_array_equal(masked[:, 30:], whole[:, 30:])
    between = np.abs(masked[:, 29].astype(int) - (pixels[:, 29].astype(int) + whole[:, 29]) / 2)
    assert between.max() <= 1  # half of a level, and 128 is a little more than half of 255


def test_the_profile_comes_back(worker: InFolder, pixels: np.ndarray) -> None:
    profiled = raster(pixels, "RGB", color_profile=b"a profile")
    _, result, facts = run(worker, profiled, model=MODEL)
    assert result.color_profile == b"a profile"
    assert facts["notes"] == ["its color profile could not be read; sRGB was assumed"]


@pytest.mark.parametrize("dtype", ["<u2", "<f2", "<f4"])
def test_every_depth_is_restored_alike(dtype: str, worker: InFolder, pixels: np.ndarray) -> None:
    top = 1 if dtype[1] == "f" else 65_535
    deep = (pixels / 255 * top).astype(dtype)
    samples = {"<u2": "U16", "<f2": "F16", "<f4": "F32"}[dtype]
    height, width, _ = pixels.shape
    source = Raster(width, height, samples, "RGB", deep.tobytes())
    request = task_request.read({"task": "deblur", "device": "cpu"})
    pieces = worker.run(source, request, unsaid)
    result, _ = decode(b"".join(map(bytes, pieces)))
    restored = np.frombuffer(result.data, dtype).reshape(pixels.shape).astype(float) / top * 255
    eight, _, _ = run(worker, raster(pixels, "RGB"))
    assert np.abs(np.clip(restored, 0, 255) - eight).max() < 1  # less than one of 8 bit's levels


def test_errors_of_the_model_come_through(worker: InFolder, pixels: np.ndarray) -> None:
    with pytest.raises(UnknownModel):
        run(worker, raster(pixels, "RGB"), model="hi-diff")


def test_a_released_worker_works_on(worker: InFolder, pixels: np.ndarray) -> None:
    worker.worker.release()
    run(worker, raster(pixels, "RGB"))


def test_each_job_takes_the_models_of_its_own_folder(
    worker: InFolder, pixels: np.ndarray, tmp_path: Path
) -> None:
    with_models, empty = worker.models_dir, tmp_path
    first, _, facts = run(worker, raster(pixels, "RGB"))
    assert facts["model"] == MODEL
    worker.models_dir = empty
    try:
        with pytest.raises(WeightsMissing):
            run(worker, raster(pixels, "RGB"), model=MODEL)
    finally:
        worker.models_dir = with_models
    again, _, _ = run(worker, raster(pixels, "RGB"))
    np.testing.assert_array_equal(again, first)
