"""What travels between a front end and the engine: pixels, options, events.

Pixels travel as a safetensors body: 8 bytes of header length, a JSON header, little-endian data.
`docs/protocol.md` describes the routes. Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from dataclasses import dataclass
from typing import Any, Union, cast

from .errors import BadRequest
from .printable import printable_json

PROTOCOL = 1
MODELS_HEADER = "Pixelmend-Models"  # of a request: the models folder, its bytes percent-encoded
FRONT_END_HEADER = "Pixelmend-Front-End"  # of a request: who asks, for others that wait
MAX_HEADER = 64 * 1024  # bytes; names and options are far below, the profile is a tensor
MAX_PROFILE = 8 * 1024 * 1024  # bytes; the largest profiles of printers have four
MAX_SIDE = 1_000_000  # pixels

CHANNELS = {"RGB": 3, "RGBA": 4, "BGR": 3, "BGRA": 4, "Y": 1, "YA": 2}
ENCODINGS = ("nonlinear", "perceptual", "linear")
LENGTH = struct.Struct("<Q")

PHASES = ("queued", "download", "load", "run", "done", "failed", "canceled")
FINAL = ("done", "failed", "canceled")


@dataclass(frozen=True)
class SampleType:
    """What one number of a pixel is: a whole number (`U`) or a float (`F`), and its bits."""

    size_bytes: int
    white: int  # whole numbers go from 0 to it; floats may go beyond


SAMPLE_TYPES = {
    "U8": SampleType(1, 255),
    "U16": SampleType(2, 65_535),
    "F16": SampleType(2, 1),
    "F32": SampleType(4, 1),
}

Bytes = Union[bytes, bytearray, memoryview]
Json = dict[str, Any]


@dataclass(frozen=True)
class Raster:
    """Pixels as a front end has them: rows from the top, samples little-endian, no padding."""

    width: int
    height: int
    sample_type: str  # a key of SAMPLE_TYPES
    channels: str  # a key of CHANNELS: which samples a pixel has, in which order
    data: Bytes
    encoding: str = "nonlinear"  # the profile's own curve; or sRGB's ("perceptual"), or "linear"
    mask: Bytes | None = None  # one byte a pixel: 255 is restored, 0 is kept
    color_profile: bytes | None = None  # ICC; None: sRGB

    def __post_init__(self) -> None:
        """Refuses what contradicts itself."""
        if self.sample_type not in SAMPLE_TYPES or self.channels not in CHANNELS:
            raise _invalid(f"samples `{self.sample_type}` with channels `{self.channels}`")
        if self.encoding not in ENCODINGS:
            raise _invalid(f"the encoding `{self.encoding}`")
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise _invalid(f"a size of {self.width} x {self.height}")
        pixels = self.width * self.height
        expected = pixels * CHANNELS[self.channels] * SAMPLE_TYPES[self.sample_type].size_bytes
        if _size(self.data) != expected:
            raise _invalid(f"{_size(self.data)} bytes of pixels where {expected} belong")
        if self.mask is not None and _size(self.mask) != pixels:
            raise _invalid(f"{_size(self.mask)} bytes of mask where {pixels} belong")
        if self.color_profile is not None and len(self.color_profile) > MAX_PROFILE:
            raise _invalid(f"a color profile of {len(self.color_profile)} bytes")


def _invalid(detail: str) -> BadRequest:
    return BadRequest(f"The pixels can't be read: there is {detail}", hint="See docs/protocol.md")


def _size(data: Bytes) -> int:
    return data.nbytes if isinstance(data, memoryview) else len(data)


def encode(raster: Raster, facts: Json) -> list[Bytes]:
    """Makes a body: the pieces to send, one after the other; pixels are not copied.

    `facts` are the options of a request, or what a result says about itself.
    """
    shape = [raster.height, raster.width]
    tensors: list[tuple[str, str, list[int], Bytes]] = [
        ("image", raster.sample_type, [*shape, CHANNELS[raster.channels]], raster.data)
    ]
    if raster.mask is not None:
        tensors.append(("mask", "U8", shape, raster.mask))
    if raster.color_profile is not None:
        profile = raster.color_profile
        tensors.append(("color_profile", "U8", [len(profile)], profile))
    header: Json = {
        "__metadata__": {
            "channels": raster.channels,
            "encoding": raster.encoding,
            "options": json.dumps(facts),
        }
    }
    offset = 0
    for name, dtype, dimensions, data in tensors:
        end = offset + _size(data)
        header[name] = {"dtype": dtype, "shape": dimensions, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format asks for it, so that tensors are aligned
    return [LENGTH.pack(len(text)) + text, *(data for _, _, _, data in tensors)]


def decode(body: Bytes) -> tuple[Raster, Json]:
    """Reads a body back; the pixels are views of it.

    Raises:
        BadRequest: The header is not what a body may have; nothing of it is used then.
    """
    view = memoryview(body).cast("B")
    header, start = _header(view)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict):
        raise _malformed("its metadata are missing")
    texts = cast("Json", metadata)
    if not all(isinstance(text, str) for text in texts.values()):
        raise _malformed("its metadata are no texts")
    tensors = _tensors(header, view[start:])
    if "image" not in tensors:
        raise _malformed("it holds no image")
    sample_type, shape, data = tensors["image"]
    channels = texts.get("channels", "")
    if len(shape) != 3 or shape[2] != CHANNELS.get(channels):
        raise _malformed(f"an image of shape {shape} has no channels `{channels}`")
    for name, dimensions in (("mask", shape[:2]), ("color_profile", None)):
        if name in tensors:
            dtype, actual, _ = tensors[name]
            if dtype != "U8" or (actual != dimensions if dimensions else len(actual) != 1):
                raise _malformed(f"its {name} is {dtype} of shape {actual}")
    raster = Raster(
        width=shape[1],
        height=shape[0],
        sample_type=sample_type,
        channels=channels,
        data=data,
        encoding=texts.get("encoding", "nonlinear"),
        mask=tensors["mask"][2] if "mask" in tensors else None,
        color_profile=bytes(tensors["color_profile"][2]) if "color_profile" in tensors else None,
    )
    return raster, _facts(texts.get("options", "{}"))


def _header(view: memoryview) -> tuple[Json, int]:
    if len(view) < LENGTH.size:
        raise _malformed("it is too short")
    (length,) = LENGTH.unpack_from(view)
    if length > MAX_HEADER:
        raise _malformed(f"its header has {length} bytes, more than {MAX_HEADER}")
    end = LENGTH.size + length
    if end > len(view):
        raise _malformed("its header is cut off")
    return _facts(bytes(view[LENGTH.size : end])), end


def _facts(text: str | bytes) -> Json:
    try:
        facts = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _malformed("it holds no sound JSON") from error
    if not isinstance(facts, dict):
        raise _malformed("it holds JSON that is no object")
    return cast("Json", facts)


def _no_number(name: str) -> float:
    raise ValueError(name)  # NaN and infinities, which Python reads and JSON does not know


def _tensors(header: Json, data: memoryview) -> dict[str, tuple[str, list[int], memoryview]]:
    # As the format demands: the tensors fill the data from its start to its end, without gap or
    # overlap, each as long as its shape says.
    unknown = sorted(header.keys() - {"image", "mask", "color_profile"})
    if unknown:
        raise _malformed(f"it holds `{unknown[0][:40]}`, which is none of ours")
    tensors: dict[str, tuple[str, list[int], memoryview]] = {}
    expected = 0
    for name, (dtype, shape, begin, end) in sorted(
        ((name, _entry(name, entry)) for name, entry in header.items()), key=lambda item: item[1][2]
    ):
        size = SAMPLE_TYPES[dtype].size_bytes
        for dimension in shape:
            size *= dimension
        if begin != expected or end - begin != size or end > len(data):
            raise _malformed(f"`{name}` does not lie where it says")
        tensors[name] = (dtype, shape, data[begin:end])
        expected = end
    if expected != len(data):
        raise _malformed("bytes are left over")
    return tensors


def _entry(name: str, entry: object) -> tuple[str, list[int], int, int]:
    if isinstance(entry, dict):
        fields = cast("Json", entry)
        dtype, shape, offsets = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
        if (
            isinstance(dtype, str)
            and dtype in SAMPLE_TYPES
            and _are_sizes(shape, MAX_SIDE)
            and 1 <= len(cast("list[int]", shape)) <= 3
            and _are_sizes(offsets, 2**62)
            and len(cast("list[int]", offsets)) == 2
        ):
            begin, end = cast("list[int]", offsets)
            return dtype, cast("list[int]", shape), begin, end
    raise _malformed(f"`{name}` is not described as a tensor")


def _are_sizes(values: object, largest: int) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= largest for value in cast("list[object]", values)
    )


def _malformed(why: str) -> BadRequest:
    return BadRequest(f"The body is no picture: {why}", hint="See docs/protocol.md")


@dataclass(frozen=True)
class Event:
    """One line about a job."""

    id: int  # rises within a job
    phase: str  # one of PHASES
    done: int = 0
    total: int = 0  # 0: not known
    position: int = 0  # in the queue; 1 is next
    seconds_left: float | None = None
    message: str = ""
    error: Json | None = None  # code, message and hint, of a job that failed

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self.phase in FINAL


def event_to_sse(event: Event) -> bytes:
    """Writes an event as server-sent events have it."""
    data = dataclasses.asdict(event)
    return f"id: {data.pop('id')}\ndata: {json.dumps(data)}\n\n".encode()


def event_from_sse(lines: list[str]) -> Event | None:
    """Reads the lines between two empty ones; None if they were comments alone."""
    fields = dict(line.split(": ", 1) for line in lines if ": " in line and line[0] != ":")
    if "data" not in fields:
        return None
    known = {field.name for field in dataclasses.fields(Event)}
    payload = printable_json(json.loads(fields["data"]))
    data = {key: value for key, value in payload.items() if key in known}
    return Event(id=int(fields["id"]), **data)
