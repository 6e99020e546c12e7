"""Every color space leads to sRGB and back, without clipping."""

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageCms

from pixelmend.wire import Raster
from pixelmend_engine.images import color
from pixelmend_engine.images.color import Curved, Gray, Profiled, Srgb, color_space

ADOBE_RGB = imagecodecs.cms_profile("adobergb")
GRAY_GAMMA = imagecodecs.cms_profile("gray", gamma=1.8)
SRGB = color.SRGB_PROFILE
LAB = ImageCms.ImageCmsProfile(
    ImageCms.createProfile("LAB")  # pyright: ignore[reportUnknownArgumentType] - no stub
).tobytes()


def raster(channels: str = "RGB", **more: object) -> Raster:
    """One black pixel."""
    return Raster(1, 1, "U8", channels, bytes(len(channels)), **more)  # pyright: ignore[reportArgumentType]


def test_a_profile_for_no_color_space_at_all_is_told() -> None:
    broken = bytearray(ADOBE_RGB)
    broken[16:20] = b"R\xa1B "
    space, note = color_space(raster(color_profile=bytes(broken)))
    assert isinstance(space, Srgb)
    assert note


@pytest.mark.parametrize(
    ("channels", "encoding", "profile", "kind"),
    [
        ("RGB", "nonlinear", None, Srgb),
        ("RGBA", "perceptual", None, Srgb),
        ("Y", "nonlinear", None, Gray),
        ("RGB", "linear", None, Curved),
        ("RGB", "nonlinear", ADOBE_RGB, Profiled),
        ("RGB", "linear", ADOBE_RGB, Curved),
        ("RGB", "perceptual", ADOBE_RGB, Curved),
        ("YA", "nonlinear", GRAY_GAMMA, Profiled),
    ],
)
def test_the_way_there_and_back_changes_nothing(
    channels: str, encoding: str, profile: bytes | None, kind: type
) -> None:
    space, note = color_space(raster(channels, encoding=encoding, color_profile=profile))
    assert isinstance(space, kind)
    assert note is None
    count = 1 if channels[0] == "Y" else 3
    samples = np.random.default_rng(1).random((8, 8, count), np.float32)
    back = space.from_srgb(space.to_srgb(samples))
    assert back.shape == samples.shape
    # A thousandth of an 8-bit level; curves near black magnify rounding most.
    np.testing.assert_allclose(back, samples, atol=4e-6)


def test_wide_colors_are_not_clipped() -> None:
    space, _ = color_space(raster(color_profile=ADOBE_RGB))
    green = np.array([[[0, 1, 0]]], np.float32)
    assert space.to_srgb(green).min() < -1
    np.testing.assert_allclose(space.from_srgb(space.to_srgb(green)), green, atol=1e-4)


def test_curved_and_profiled_agree_where_both_can_tell() -> None:
    samples = np.random.default_rng(1).random((8, 8, 3), np.float32)
    perceptual, _ = color_space(raster(encoding="perceptual", color_profile=SRGB))
    profiled, _ = color_space(raster(color_profile=SRGB))
    # Colorants in a profile have 16 bits, and LittleCMS's own sRGB differs in the last of them.
    np.testing.assert_allclose(perceptual.to_srgb(samples), samples, atol=5e-4)
    np.testing.assert_allclose(profiled.to_srgb(samples), samples, atol=5e-4)


@pytest.mark.parametrize(
    ("channels", "profile", "message"),
    [
        ("RGB", b"no profile at all", "could not be read"),
        ("RGB", ADOBE_RGB[:200], "could not be read"),
        ("RGB", GRAY_GAMMA, "is for gray"),
        ("Y", ADOBE_RGB, "is for rgb"),
        ("RGB", LAB, "is for lab"),
    ],
)
def test_profiles_that_do_not_fit_are_told_and_srgb_is_assumed(
    channels: str, profile: bytes, message: str
) -> None:
    space, note = color_space(raster(channels, color_profile=profile))
    assert isinstance(space, Gray if channels == "Y" else Srgb)
    assert note is not None
    assert message in note
    assert "sRGB was assumed" in note


@given(st.floats(-8, 8, width=32))
def test_the_curve_is_its_own_way_back(value: float) -> None:
    linear = np.array([value], np.float32)
    assert color.decode(color.encode(linear)) == pytest.approx(linear, rel=2e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("linear", "encoded"), [(0, 0), (0.0031308, 0.04045), (0.5, 0.735357), (1, 1)]
)
def test_the_curve_is_the_standards(linear: float, encoded: float) -> None:
    assert color.encode(np.array([linear], np.float32)) == pytest.approx([encoded], abs=1e-5)
