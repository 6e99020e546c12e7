"""Enlarged pictures keep what they are: depth, profile, alpha, and colors no screen shows."""

from functools import partial

import numpy as np
import profiles
import pytest
import torch
from fakes import Function
from PIL import Image
from rasters import array, picture
from torch import Tensor
from torch.nn import functional

from pixelmend.errors import BadImage
from pixelmend_engine.images.sample_types import DTYPES
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.upscale import upscale

twice = partial(functional.interpolate, scale_factor=2.0, mode="nearest")


def never(image: Tensor) -> Tensor:
    """A model that must not be asked."""
    raise AssertionError(image.shape)


def _bicubic(samples: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    # As floats, because Pillow rounds between rows and columns where there are 8 bits.
    image = Image.fromarray(samples.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image).clip(0, 255)


@pytest.mark.parametrize("sample_type", DTYPES)
@pytest.mark.parametrize("channels", ["RGB", "BGRA", "Y", "YA"])
def test_what_the_model_makes_comes_back_in_the_picture_s_own_depth(
    sample_type: str, channels: str
) -> None:
    kind = DTYPES[sample_type]
    top = 1 if kind.kind == "f" else np.iinfo(kind).max
    gray = np.random.default_rng(0).random((9, 7, 1)).repeat(len(channels), axis=2)
    gray[..., -1] = 1 if channels.endswith("A") else gray[..., 0]
    values = (gray * top).astype(kind)
    result, notes = upscale(picture(values, channels), 2.0, 1.0, Function(twice), Progress())
    assert (result.width, result.height, result.mask, notes) == (14, 18, None, [])
    expected = values.repeat(2, axis=0).repeat(2, axis=1).astype(np.float64)
    step = top * (2e-3 if sample_type == "F16" else 1e-5) if kind.kind == "f" else 1
    np.testing.assert_allclose(array(result).astype(np.float64), expected, atol=step)


def test_alpha_is_enlarged_as_pillow_does_and_hidden_colors_do_not_bleed() -> None:
    samples = np.full((16, 16, 4), (255, 0, 255, 0), np.uint8)  # a color that nobody sees
    samples[4:12, 4:12] = (120, 130, 140, 255)
    result, _ = upscale(picture(samples, "RGBA"), 2.0, 1.0, Function(twice), Progress())
    after = array(result)
    difference = np.abs(after[..., 3].astype(int) - _bicubic(samples[..., 3], (32, 32)))
    assert difference[2:-2, 2:-2].max() <= 1  # at its edges Pillow takes fewer samples
    actual = after[after[..., 3] > 0]
    assert (np.abs(actual[:, :3].astype(int) - (120, 130, 140)) <= 1).all()


def test_colors_outside_srgb_and_light_beyond_white_survive() -> None:
    green = np.zeros((16, 16, 3), "<u2")
    green[..., 1] = 65_535
    wide = picture(green, color_profile=profiles.RGB["Adobe RGB"])
    result, _ = upscale(wide, 2.0, 1.0, Function(twice), Progress())
    np.testing.assert_allclose(array(result)[..., 1], 65_535, atol=8)
    bright = np.full((8, 8, 3), 7.5, "<f4")
    result, _ = upscale(picture(bright, encoding="linear"), 2.0, 1.0, Function(twice), Progress())
    np.testing.assert_allclose(array(result), 7.5, rtol=1e-5)


@pytest.mark.parametrize("scale", [1.5, 2.0, 3.3])
def test_without_strength_it_is_cubic_convolution_and_no_model_is_asked(scale: float) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (300, 40), np.uint8)
    result, _ = upscale(picture(samples[..., None], "Y"), scale, 0.0, Function(never), Progress())
    size = int(40 * scale), int(300 * scale)
    assert (result.width, result.height) == size
    difference = np.abs(array(result)[..., 0].astype(int) - _bicubic(samples, size))
    margin = int(3 * scale)  # where Pillow leaves out what lies beyond the edge
    assert difference[margin:-margin, margin:-margin].max() <= 1


def test_the_mask_says_where_the_model_is_wanted() -> None:
    samples = np.full((40, 40, 3), 100, np.uint8)
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 20:] = 255
    raster = picture(samples, mask=mask.tobytes())
    result, _ = upscale(raster, 2.0, 1.0, Function(lambda image: twice(image) + 0.2), Progress())
    after = array(result)
    assert (after[:, :36] == 100).all()
    assert (after[:, 44:] == 151).all()


def test_what_is_no_number_does_not_spread() -> None:
    samples = np.full((16, 16, 3), 0.25, "<f4")
    samples[8, 8] = (np.nan, np.inf, -np.inf)
    result, _ = upscale(picture(samples), 2.0, 1.0, Function(twice), Progress())
    np.testing.assert_allclose(array(result), 0.25, atol=1e-5)


def test_a_result_that_no_file_holds_is_refused_before_the_work() -> None:
    with pytest.raises(BadImage, match="more than 150 megapixels"):
        upscale(picture(np.zeros((2000, 2400, 3), np.uint8)), 8.0, 1.0, Function(never), Progress())


def test_the_model_sees_the_picture_in_srgb() -> None:
    inputs: list[Tensor] = []

    def look(image: Tensor) -> Tensor:
        inputs.append(image)
        return twice(image)

    samples = np.random.default_rng(0).integers(0, 256, (12, 11, 3), np.uint8)
    upscale(picture(samples), 2.0, 1.0, Function(look), Progress())
    expected = torch.from_numpy(samples / np.float32(255)).permute(2, 0, 1)[None]
    torch.testing.assert_close(inputs[0], expected)
