"""A model as a function in Python: what goes in comes out, restored, by the bundled weights."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mirror import Mirror, Response
from PIL import Image, ImageCms

import pixelmend_engine
from pixelmend.errors import (
    BadImage,
    BadRequest,
    UnknownModel,
    UnsupportedImage,
    WeightsMissing,
)
from pixelmend_engine.restoration.restorer import Restorer


@pytest.fixture(scope="module")
def restore(tmp_path_factory: pytest.TempPathFactory) -> Restorer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIXELMEND_MODELS", str(tmp_path_factory.mktemp("models")))
        return pixelmend_engine.load("hi-diff-compact", device="cpu", offline=True)


@pytest.fixture
def pixels(small: Image.Image) -> np.ndarray:
    return np.array(small)


def test_importing_the_engine_loads_nothing() -> None:
    code = (
        "import sys, pixelmend_engine; print(sorted({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_an_array_comes_back_as_one(restore: Restorer, pixels: np.ndarray) -> None:
    before = pixels.copy()
    result = restore(pixels)
    assert (result.shape, result.dtype) == (pixels.shape, np.uint8)
    assert (result != pixels).any()
    result[0, 0] = 0  # it is the caller's own
    np.testing.assert_array_equal(pixels, before)
    assert restore.info["model"] == "hi-diff-compact"


@pytest.mark.parametrize("kind", ["uint16", "float16", "float32"])
def test_every_depth_is_restored_alike(kind: str, restore: Restorer, pixels: np.ndarray) -> None:
    top = 65_535 if kind == "uint16" else 1
    result = restore((pixels / 255 * top).astype(kind))
    assert result.dtype == kind
    difference = result.astype(np.float64) / top * 255 - restore(pixels)
    assert np.abs(difference).max() < 1  # of 8 bit's levels


def test_gray_alpha_and_views_are_pictures_too(restore: Restorer, pixels: np.ndarray) -> None:
    assert restore(pixels[..., 0]).shape == pixels.shape[:2]
    assert restore(pixels[..., :1]).shape == (*pixels.shape[:2], 1)
    alpha = np.full_like(pixels[..., :1], 200)
    result = restore(np.dstack([pixels, alpha]))
    np.testing.assert_array_equal(result, np.dstack([restore(pixels), alpha]))
    turned = restore(pixels[::-1, :, ::-1])  # neither contiguous nor in the order it was made in
    np.testing.assert_array_equal(turned, restore(pixels[::-1, :, ::-1].copy()))
    swapped = pixels.astype(">u2") * 257
    np.testing.assert_array_equal(restore(swapped), restore(swapped.astype("=u2")))


def test_a_pillow_image_comes_back_with_its_profile(restore: Restorer, small: Image.Image) -> None:
    made = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownArgumentType] - no stub
    )
    profile = made.tobytes()
    small.info["icc_profile"] = profile
    result = restore(small)
    assert (result.mode, result.size, result.info["icc_profile"]) == ("RGB", small.size, profile)
    deep = Image.fromarray(np.array(small.convert("L")).astype(np.uint16) * 257)
    assert restore(deep).mode == deep.mode


def test_a_path_comes_back_as_a_pillow_image(
    restore: Restorer, small: Image.Image, pixels: np.ndarray, tmp_path: Path
) -> None:
    small.save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(np.array(restore(path)), restore(pixels))


def test_the_mask_says_where(restore: Restorer, pixels: np.ndarray, tmp_path: Path) -> None:
    where = np.zeros(pixels.shape[:2], bool)
    where[:, 30:] = True
    result = restore(pixels, mask=where)
    np.testing.assert_array_equal(result[:, :30], pixels[:, :30])
    assert (result[:, 30:] != pixels[:, 30:]).any()
    mask_image = Image.fromarray(where.astype(np.uint8) * 255)
    mask_image.save(tmp_path / "mask.png")
    for mask in (where.astype(np.float32), mask_image, tmp_path / "mask.png"):
        np.testing.assert_array_equal(restore(pixels, mask=mask), result)
    with pytest.raises(BadImage, match="mask"):
        restore(pixels, mask=where[1:])


def test_options_are_those_of_the_command_line(restore: Restorer, pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(restore(pixels, strength=0), pixels)
    assert (restore(pixels, seed=3) != restore(pixels)).any()
    with pytest.raises(BadRequest, match="strength"):
        restore(pixels, strength=2)
    with pytest.raises(BadRequest, match="sharpness"):
        pixelmend_engine.load("hi-diff-compact", sharpness=1)


def test_progress_rises_to_its_total(restore: Restorer, pixels: np.ndarray) -> None:
    steps: list[tuple[int, int]] = []
    restore(pixels, progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert len({total for _, total in steps}) == 1


def test_an_exception_from_progress_ends_the_work(restore: Restorer, pixels: np.ndarray) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(pixels, progress=stop)
    restore(pixels)  # and the next picture can be restored


def test_a_download_has_progress_too_and_ends_by_an_exception(
    pixels: np.ndarray, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    monkeypatch.setenv("PIXELMEND_MIRROR", mirror.url)
    monkeypatch.setenv("PIXELMEND_MODELS", str(tmp_path / "models"))
    body = bytes(3_000_000)
    mirror.at("/hi-diff-realblur-r", Response(body=body, etag='"1"'))
    restore = pixelmend_engine.load("hi-diff-realblur-r", device="cpu")
    downloads: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        downloads.append((done, total))
        if done:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        restore(pixels, progress=stop)
    done, total = downloads[-1]
    assert 0 < done <= total == len(body)


def test_what_can_not_be_restored_is_refused(restore: Restorer, small: Image.Image) -> None:
    with pytest.raises(BadImage, match="shape"):
        restore(np.zeros((4, 64, 64, 3), np.uint8))
    with pytest.raises(UnsupportedImage, match="float64"):
        restore(np.zeros((64, 64, 3)))
    with pytest.raises(UnsupportedImage, match="CMYK"):
        restore(small.convert("CMYK"))
    with pytest.raises(BadImage, match="too small"):
        restore(np.zeros((4, 64), np.uint8))


def test_what_is_asked_for_is_told_before_a_picture_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXELMEND_MODELS", str(tmp_path))
    with pytest.raises(UnknownModel):
        pixelmend_engine.load("hi-diff")
    with pytest.raises(BadRequest, match="what is to be done"):
        pixelmend_engine.load()
    monkeypatch.setenv("PIXELMEND_OFFLINE", "1")
    with pytest.raises(WeightsMissing):
        pixelmend_engine.load("hi-diff-gopro")
    assert isinstance(pixelmend_engine.load(task="deblur"), Restorer)
