"""PPM and PGM: 8 to 16 bits, as bytes and as text."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pixelmend.errors import BadImage, PixelmendError
from pixelmend_engine.images import files, kinds


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("most", [255, 100, 1023, 65535])
@pytest.mark.parametrize("plain", [False, True])
def test_samples_span_their_type(channels: int, most: int, plain: bool, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, most + 1, (9, 12, channels))
    number = {(1, True): 2, (3, True): 3, (1, False): 5, (3, False): 6}[channels, plain]
    head = f"P{number}\n# a remark\n12 9\n# 7\n{most}\n".encode()
    body = " ".join(map(str, values.ravel())).encode()
    if not plain:
        body = values.astype(np.uint8 if most < 256 else ">u2").tobytes()
    (tmp_path / "in.ppm").write_bytes(head + body)
    photo = files.read(tmp_path / "in.ppm")
    white = 255 if most < 256 else 65535
    assert photo.sample_type == ("U8" if white == 255 else "U16")
    np.testing.assert_array_equal(photo.pixels, np.rint(values * (white / most)))
    assert photo.notes == ()
    assert kinds.result_name("in.ppm") == "in.png"


@pytest.mark.parametrize("body", [b"P6\n9 9\n255\n" + bytes(200), b"P2\n9 9\n255\n1 2 x"])
def test_what_is_cut_off_is_told(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.ppm").write_bytes(body)
    with pytest.raises(BadImage, match="damaged"):
        files.read(tmp_path / "in.ppm")


@pytest.mark.parametrize("ending", [".bmp", ".tga", ".pbm"])
def test_other_simple_kinds_are_read(ending: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
    image = Image.fromarray(noise).convert("1" if ending == ".pbm" else "RGB")
    image.save(tmp_path / f"in{ending}")
    photo = files.read(tmp_path / f"in{ending}")
    if ending == ".pbm":
        assert photo.channels == "Y"
        assert photo.notes == ("black and white were replaced by shades of gray",)
    else:
        np.testing.assert_array_equal(photo.pixels, noise)
        assert photo.notes == ()


@given(data=st.binary(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_picture_or_damaged(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.pgm").write_bytes(b"P5\n" + data)
    try:
        files.read(tmp_path / "in.pgm")
    except PixelmendError as error:
        assert error.code in ("bad-image", "unsupported-image")  # noqa: PT017 - or none
