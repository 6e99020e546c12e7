"""What the model changes is changed, in the picture's own values; all else stays to the bit."""

import numpy as np
import profiles
import pytest
import torch
from fakes import Function
from hypothesis import given, settings
from hypothesis import strategies as st
from rasters import array, picture
from torch import Tensor

from pixelmend.wire import CHANNELS, ENCODINGS, Raster
from pixelmend_engine.catalog.spec import CONTEXT
from pixelmend_engine.images.sample_types import DTYPES
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.same_size import restore_same_size

PROFILES = {"RGB": list(profiles.RGB.values()), "Y": list(profiles.GRAY.values())}


def same(image: Tensor) -> Tensor:
    """A model that changes nothing."""
    return image.clone()


def brighter(image: Tensor) -> Tensor:
    """A model that changes everything."""
    return (image + 0.1).clamp(0, 1)


@st.composite
def pictures(draw: st.DrawFn) -> Raster:
    """Pictures of every depth, order of channels, encoding, profile, and any values at all."""
    channels = draw(st.sampled_from(list(CHANNELS)))
    dtype = DTYPES[draw(st.sampled_from(list(DTYPES)))]
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 6)), CHANNELS[channels])
    size = int(np.prod(shape)) * dtype.itemsize
    samples = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape)
    pixels = shape[0] * shape[1]
    return picture(
        samples,
        channels,
        encoding=draw(st.sampled_from(ENCODINGS)),
        color_profile=draw(st.sampled_from(PROFILES["Y" if channels[0] == "Y" else "RGB"])),
        mask=draw(st.none() | st.binary(min_size=pixels, max_size=pixels)),
    )


@settings(max_examples=150)
@given(raster=pictures(), strength=st.floats(0, 1))
def test_a_model_that_changes_nothing_gives_back_every_bit(raster: Raster, strength: float) -> None:
    result, _ = restore_same_size(raster, strength, Function(same), Progress())
    assert bytes(result.data) == bytes(raster.data)
    for name in ("width", "height", "sample_type", "channels", "encoding", "color_profile"):
        assert getattr(result, name) == getattr(raster, name)


@settings(max_examples=60)
@given(raster=pictures())
def test_a_model_that_changes_everything_never_spreads_what_is_no_number(raster: Raster) -> None:
    inputs: list[Tensor] = []

    def look(image: Tensor) -> Tensor:
        inputs.append(image)
        return brighter(image)

    result, _ = restore_same_size(raster, 1.0, Function(look), Progress())
    before, after = array(raster), array(result)
    if before.dtype.kind == "f":
        whole = np.isfinite(before).all(axis=2)
        np.testing.assert_array_equal(before[~whole], after[~whole])
        assert np.isfinite(after[whole]).all()
    if not inputs:  # all of it is masked or hidden
        np.testing.assert_array_equal(before, after)
    for image in inputs:
        assert image.isfinite().all()
        assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize(
    ("dtype", "step"), [("<u1", 26), ("<u2", 6554), ("<f2", 0.1), ("<f4", 0.1)]
)
def test_every_depth_is_changed_in_its_own_steps(dtype: str, step: float) -> None:
    top = 1 if dtype[1] == "f" else np.iinfo(dtype).max
    samples = (np.full((9, 9, 3), 0.5) * top).astype(dtype)
    result, _ = restore_same_size(picture(samples), 1.0, Function(brighter), Progress())
    change = array(result).astype(float) - samples
    np.testing.assert_allclose(change, step, atol=0.001 if dtype[1] == "f" else 1)


def test_16_bit_values_are_not_rounded_to_8() -> None:
    samples = np.arange(4096, dtype="<u2").reshape(64, 64, 1).repeat(3, axis=2)
    inputs: list[Tensor] = []

    def look(image: Tensor) -> Tensor:
        inputs.append(image)
        return image

    restore_same_size(picture(samples), 1.0, Function(look), Progress())
    assert torch.unique(inputs[0]).numel() == 4096  # pyright: ignore[reportUnknownMemberType]


def test_colors_outside_srgb_survive_a_change() -> None:
    green = np.zeros((16, 16, 3), "<u2")
    green[..., 1] = np.linspace(40_000, 65_535, 16).astype(int)
    raster = picture(green, color_profile=profiles.RGB["Adobe RGB"])
    result, _ = restore_same_size(
        raster, 1.0, Function(lambda image: (image - 0.01).clamp(0, 1)), Progress()
    )
    after = array(result)
    assert after[..., 1].max() > 64_000  # in sRGB alone it would end near 56 000
    assert (np.diff(after[0, :, 1].astype(int)) > 0).all()  # nothing ran into one value


def test_light_beyond_white_survives() -> None:
    bright = np.full((16, 16, 3), 0.2, "<f4")
    bright[4:8] = 7.5
    result, _ = restore_same_size(
        picture(bright, encoding="linear"), 1.0, Function(brighter), Progress()
    )
    np.testing.assert_array_equal(array(result)[4:8], bright[4:8])
    assert (array(result)[8:] > 0.2).all()


def test_strength_and_mask_weigh_the_change() -> None:
    samples = np.full((4, 4, 3), 100, np.uint8)
    mask = np.zeros((4, 4), np.uint8)
    mask[:, 1], mask[:, 2:] = 128, 255
    result, _ = restore_same_size(
        picture(samples, mask=mask.tobytes()), 0.5, Function(brighter), Progress()
    )
    np.testing.assert_array_equal(array(result)[0, :, 0], [100, 106, 113, 113])


def test_only_what_the_mask_needs_is_computed() -> None:
    samples = np.random.default_rng(1).integers(0, 256, (600, 900, 3), np.uint8)
    mask = np.zeros((600, 900), np.uint8)
    mask[300:320, 500:540] = 255
    sizes: list[torch.Size] = []

    def look(image: Tensor) -> Tensor:
        sizes.append(image.shape)
        return brighter(image)

    result, _ = restore_same_size(
        picture(samples, mask=mask.tobytes()), 1.0, Function(look), Progress()
    )
    assert sizes == [(1, 3, 20 + 2 * CONTEXT, 40 + 2 * CONTEXT)]
    outside = mask == 0
    np.testing.assert_array_equal(array(result)[outside], samples[outside])
    assert (array(result)[~outside] != samples[~outside]).any()


def test_hidden_colors_do_not_bleed_into_what_is_seen() -> None:
    samples = np.zeros((32, 32, 4), np.uint8)
    samples[..., :3] = (255, 0, 255)  # a color that nobody sees
    samples[8:24, 8:24] = (120, 130, 140, 255)
    inputs: list[Tensor] = []

    def look(image: Tensor) -> Tensor:
        inputs.append(image)
        return brighter(image)

    result, _ = restore_same_size(picture(samples, "RGBA"), 1.0, Function(look), Progress())
    expected = torch.tensor([120, 130, 140]).reshape(1, 3, 1, 1) / 255
    torch.testing.assert_close(inputs[0], expected.expand_as(inputs[0]), atol=1e-5, rtol=0)
    after = array(result)
    np.testing.assert_array_equal(after[..., 3], samples[..., 3])
    np.testing.assert_array_equal(after[:8], samples[:8])


@pytest.mark.parametrize("channels", ["RGBA", "YA"])
def test_a_picture_that_is_all_hidden_stays_and_is_told(channels: str) -> None:
    samples = np.zeros((9, 9, CHANNELS[channels]), np.uint8)
    result, notes = restore_same_size(
        picture(samples, channels), 1.0, Function(brighter), Progress()
    )
    assert bytes(result.data) == samples.tobytes()
    assert "nothing to restore" in notes[0]
