"""Colors that are stated in numbers become the profile that states the same; HDR is refused."""

import io
import struct
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image, ImageCms

from pixelmend.errors import UnsupportedImage
from pixelmend_engine.images import files, metadata, stated_colors
from pixelmend_engine.images.color import SRGB_PROFILE


def colorants(profile: bytes | None) -> np.ndarray:
    """Returns XYZ of red, green and blue."""
    assert profile is not None
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    inner = cast("Any", opened).profile  # whose class no stub knows
    return np.array([inner.red_colorant[0], inner.green_colorant[0], inner.blue_colorant[0]])


def test_srgb_needs_no_profile() -> None:
    assert stated_colors.of_codes(1, 13, "a.png", gray=False) is None
    assert stated_colors.of_codes(2, 2, "a.png", gray=False) is None
    assert stated_colors.of_chromaticities(0.45455, None, gray=False) is None


def test_display_p3_is_wider_than_srgb() -> None:
    profile = stated_colors.of_codes(12, 13, "a.png", gray=False)
    assert profile is not None
    published = [[0.5151, 0.2412, -0.0011], [0.292, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]]
    np.testing.assert_allclose(colorants(profile), published, atol=0.001)  # Apple's profile


def test_a_gamma_of_its_own_is_kept() -> None:
    profile = stated_colors.of_chromaticities(1.0, None, gray=False)
    assert profile is not None
    np.testing.assert_allclose(colorants(profile), colorants(SRGB_PROFILE), atol=0.001)
    assert stated_colors.of_chromaticities(1.0, None, gray=True) is not None


@pytest.mark.parametrize(("curve", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_in_words(curve: int, name: str) -> None:
    with pytest.raises(UnsupportedImage, match=rf"HDR picture \({name}\)"):
        stated_colors.of_codes(9, curve, "a.png", gray=False)


@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg", ".webp"])
def test_a_profile_that_says_hdr_is_refused_in_every_format(ending: str, tmp_path: Path) -> None:
    tag = struct.pack(">4sII", b"cicp", 144, 12) + b"cicp\0\0\0\0\x09\x10\0\x01"
    profile = bytes(128) + struct.pack(">I", 1) + tag
    path = tmp_path / f"in{ending}"
    Image.new("RGB", (16, 16)).save(path, icc_profile=profile)
    with pytest.raises(UnsupportedImage, match=r"HDR picture \(PQ\)"):
        files.read(path)


def exif_with_index(index: bytes) -> bytes:
    """Builds EXIF that says which interoperability rules hold."""
    interop = struct.pack("<HHHI4sI", 1, 1, 2, 4, index, 0)
    inner = struct.pack("<HHHIII", 1, 0xA005, 4, 1, 44, 0)
    first = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + inner + interop


def test_adobe_rgb_by_the_index_alone(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "in.jpg", exif=exif_with_index(b"R03\0"))
    profile = files.read(tmp_path / "in.jpg").metadata.icc_profile
    assert profile == stated_colors.adobe_rgb()
    published = [[0.6098, 0.3111, 0.0195], [0.2053, 0.6257, 0.0609], [0.1492, 0.0632, 0.7446]]
    np.testing.assert_allclose(colorants(profile), published, atol=0.001)  # Adobe's own profile
    assert metadata.profile_by_exif(exif_with_index(b"R98\0")) is None
    assert metadata.profile_by_exif(b"Exif\0\0II*\0\xff") is None
    Image.new("L", (16, 16)).save(tmp_path / "gray.jpg", exif=exif_with_index(b"R03\0"))
    assert files.read(tmp_path / "gray.jpg").metadata.icc_profile is None
