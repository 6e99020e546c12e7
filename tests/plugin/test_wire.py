"""What one side writes, the other reads; and any safetensors reader as well."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from pixelmend.errors import BadRequest
from pixelmend.printable import printable_lines
from pixelmend.wire import (
    CHANNELS,
    ENCODINGS,
    MAX_PROFILE,
    PHASES,
    SAMPLE_TYPES,
    Event,
    Raster,
    decode,
    encode,
    event_from_sse,
    event_to_sse,
)


@st.composite
def rasters(draw: st.DrawFn) -> Raster:
    """Pictures of every kind, small."""
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    sample_type = draw(st.sampled_from(list(SAMPLE_TYPES)))
    channels = draw(st.sampled_from(list(CHANNELS)))
    size = width * height * CHANNELS[channels] * SAMPLE_TYPES[sample_type].size_bytes
    return Raster(
        width,
        height,
        sample_type,
        channels,
        draw(st.binary(min_size=size, max_size=size)),
        draw(st.sampled_from(ENCODINGS)),
        draw(st.none() | st.binary(min_size=width * height, max_size=width * height)),
        draw(st.none() | st.binary(min_size=1, max_size=50)),
    )


@given(raster=rasters(), facts=st.dictionaries(st.text(), st.integers() | st.text()))
def test_pictures_come_back_as_they_were(raster: Raster, facts: dict[str, object]) -> None:
    body = b"".join(bytes(piece) for piece in encode(raster, facts))
    read, read_facts = decode(body)
    assert read_facts == facts
    for name in ("width", "height", "sample_type", "channels", "encoding", "color_profile"):
        assert getattr(read, name) == getattr(raster, name)
    assert bytes(read.data) == raster.data
    assert (read.mask is None) == (raster.mask is None)
    assert raster.mask is None or bytes(read.mask or b"") == raster.mask


def test_the_body_is_sound_safetensors() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(2, 4, 3)
    mask = np.arange(8, dtype=np.uint8).reshape(2, 4)
    raster = Raster(4, 2, "U16", "RGB", pixels.tobytes(), mask=mask.tobytes(), color_profile=b"icc")
    tensors = load(b"".join(bytes(piece) for piece in encode(raster, {})))
    np.testing.assert_array_equal(tensors["image"], pixels)
    np.testing.assert_array_equal(tensors["mask"], mask)
    assert tensors["color_profile"].tobytes() == b"icc"


def test_pixels_are_not_copied() -> None:
    data = bytearray(12)
    pieces = encode(Raster(2, 2, "U8", "RGB", data), {})
    assert pieces[1] is data
    body = bytearray(b"".join(bytes(piece) for piece in pieces))
    raster, _ = decode(body)
    body[-1] = 77
    assert raster.data[-1] == 77


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_type": "U64"},
        {"channels": "CMYK"},
        {"encoding": "log"},
        {"width": 0},
        {"height": 10**7},
        {"data": b"too few"},
        {"mask": b"too few"},
        {"color_profile": bytes(MAX_PROFILE + 1)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    sound = {"width": 2, "height": 2, "sample_type": "U8", "channels": "RGB", "data": bytes(12)}
    with pytest.raises(BadRequest, match="can't be read"):
        Raster(**{**sound, **wrong})  # pyright: ignore[reportArgumentType] - wrong on purpose


@given(
    event=st.builds(
        Event,
        id=st.integers(0, 10**9),
        phase=st.sampled_from(PHASES),
        done=st.integers(0, 999),
        total=st.integers(0, 999),
        seconds_left=st.none() | st.floats(0, 1e6),
        message=st.text().map(printable_lines),  # as the other side reads it
        error=st.none() | st.just({"code": "internal", "message": "It\nbroke", "hint": ""}),
    )
)
def test_events_come_back_as_they_were(event: Event) -> None:
    lines = event_to_sse(event).decode().split("\n")
    assert event_from_sse([line for line in lines if line]) == event


def test_comments_and_fields_of_a_newer_engine_are_passed_over() -> None:
    assert event_from_sse([": still here"]) is None
    event = event_from_sse(["id: 3", 'data: {"phase": "run", "mood": "good"}'])
    assert event == Event(3, "run")
