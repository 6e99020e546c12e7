"""What a model sees of a picture, and how samples become floats and back."""

import numpy as np
import pytest
import torch
from rasters import picture

from pixelmend.wire import CHANNELS
from pixelmend_engine.images.sample_types import DTYPES
from pixelmend_engine.restoration.source_image import SourceImage, as_float, as_samples

WHOLE = slice(None), slice(None)


@pytest.mark.parametrize("kind", DTYPES.values())
def test_samples_become_floats_and_come_back(kind: np.dtype) -> None:
    top = 1 if kind.kind == "f" else np.iinfo(kind).max
    values = (np.linspace(0, 1, 300) * top).astype(kind)
    np.testing.assert_array_equal(as_samples(as_float(values), kind), values)


def test_what_a_type_can_not_hold_ends_at_its_limits() -> None:
    values = np.array([-1, 0.5, 2], np.float32)
    assert as_samples(values, np.dtype("u1")).tolist() == [0, 128, 255]
    assert np.isfinite(as_samples(np.array([1e9], np.float32), np.dtype("<f2"))).all()


@pytest.mark.parametrize("channels", CHANNELS)
def test_a_model_sees_red_green_and_blue_in_this_order(channels: str) -> None:
    values = {"R": 10, "G": 20, "B": 30, "Y": 40, "A": 255}
    samples = np.array([[[values[name] for name in channels]]], np.uint8)
    actual = SourceImage.of(picture(samples, channels)).model_input(*WHOLE) * 255
    expected = [40, 40, 40] if "Y" in channels else [10, 20, 30]
    torch.testing.assert_close(actual.flatten(), torch.tensor(expected, dtype=torch.float32))


def test_unknown_parts_have_colors_from_around_there() -> None:
    samples = np.full((32, 32, 3), 50, np.uint8)
    samples[8:24, 8:24] = 255
    unknown = np.zeros((32, 32), bool)
    unknown[8:24, 8:24] = True
    actual = SourceImage.of(picture(samples)).model_input(*WHOLE, unknown)
    torch.testing.assert_close(actual, torch.full((1, 3, 32, 32), 50 / 255))


def test_alpha_is_a_share_whatever_the_samples() -> None:
    samples = np.zeros((1, 3, 4), "<f4")
    samples[0, :, 3] = (np.nan, 0.25, 7)
    alpha = SourceImage.of(picture(samples, "RGBA")).alpha(slice(None))
    assert alpha is not None
    assert alpha.tolist() == [[0, 0.25, 1]]
    assert SourceImage.of(picture(samples[..., :3])).alpha(slice(None)) is None
