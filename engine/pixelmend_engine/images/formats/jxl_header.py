"""What the header of a JPEG XL codestream says of size, samples and colors.

Only the part that says it is read. Source: ISO/IEC 18181-1, "Image header".
"""

import math
from dataclasses import dataclass

from pixelmend_engine.images.damage import Damaged
from pixelmend_engine.images.stated_colors import HDR_CURVES

SIGNATURE = b"\xff\x0a"
LONGEST = 2048  # bytes; more than what is read here
ASPECTS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
RGB, GRAY, D65, SRGB_PRIMARIES, LINEAR, SRGB_CURVE = 0, 1, 1, 1, 8, 13  # what colors can be
CUSTOM = 2  # of white and primaries: written out
ALPHA = 0  # what an extra channel can be
OTHER_ALPHA = "its alpha has another depth than its colors"
CURVE_BITS, CURVE_OFFSET = 4, 2  # how both curves are written


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the codestream says of the picture."""

    width: int
    height: int
    bits: int = 8  # of each sample
    lossy: bool = True
    gray: bool = False
    curve: int | None = SRGB_CURVE  # or `LINEAR`
    curve_at: int | None = None  # the bit where the curve is written, if it is
    problem: str | None = None  # why it can't be restored


class _Bits:
    """Reads numbers from the bits of a codestream, the lowest bit of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._data = int.from_bytes(data, "little")
        self.place = 0

    def take(self, count: int) -> int:
        value = (self._data >> self.place) & ((1 << count) - 1)
        self.place += count
        return value

    def choose(self, *choices: tuple[int, int]) -> int:
        """Reads two bits that say how many follow, and what is to be added to them."""
        count, offset = choices[self.take(2)]
        return self.take(count) + offset

    def enum(self) -> int:
        return self.choose((0, 0), (0, 1), (4, 2), (6, 18))


def parse(codestream: bytes) -> Header:
    """Reads a header; what is behind the end is taken for zeros."""
    bits = _Bits(codestream[len(SIGNATURE) : LONGEST])
    width, height = _size(bits)
    if bits.take(1):  # everything else as it mostly is
        return Header(width=width, height=height)
    if bits.take(1):
        bits.take(3)  # the orientation, which the codec library sees to
        if bits.take(1):
            _size(bits)
        if bits.take(2):
            problem = "it has a preview, or is an animation"
            return Header(width=width, height=height, problem=problem)
    depth = _depth(bits)
    bits.take(1)
    problem = _extra_channels(bits, depth)
    if problem is not None:
        return Header(width=width, height=height, problem=problem)
    lossy = bool(bits.take(1))
    gray, curve, curve_at = _colors(bits)
    return Header(
        width=width,
        height=height,
        bits=depth[1],
        lossy=lossy,
        gray=gray,
        curve=curve,
        curve_at=curve_at,
        problem=None if curve in (LINEAR, SRGB_CURVE) else "its colors are not sRGB's",
    )


def with_curve(codestream: bytes, curve: int) -> bytes:
    """Says that lossless samples, which are as they are, follow another curve.

    Raises:
        Damaged: The header has no place where it could be said.
    """
    header = parse(codestream)
    if header.curve == curve:
        return codestream
    if header.curve_at is None or header.lossy:
        raise Damaged("the curve is not written out")
    place = len(SIGNATURE) * 8 + header.curve_at
    end = math.ceil((place + CURVE_BITS) / 8)
    head = int.from_bytes(codestream[:end], "little")
    head &= ~(((1 << CURVE_BITS) - 1) << place)
    head |= (curve - CURVE_OFFSET) << place
    return head.to_bytes(end, "little") + codestream[end:]


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        if small:
            return (bits.take(5) + 1) * 8
        return bits.choose((9, 1), (13, 1), (18, 1), (30, 1))

    height = side()
    aspect = bits.take(3)
    if aspect == 0:
        return side(), height
    across, down = ASPECTS[aspect - 1]
    return height * across // down, height


def _depth(bits: _Bits) -> tuple[bool, int]:
    # Whether samples are floats, and how many bits each has.
    if bits.take(1):
        count = bits.choose((0, 32), (0, 16), (0, 24), (6, 1))
        bits.take(4)
        return True, count
    return False, bits.choose((0, 8), (0, 10), (0, 12), (6, 1))


def _extra_channels(bits: _Bits, depth: tuple[bool, int]) -> str | None:
    count = bits.choose((0, 0), (0, 1), (4, 2), (12, 1))
    if count == 0:
        return None
    if count > 1:
        return "it has further channels besides color and alpha"
    if bits.take(1):
        return None if depth == (False, 8) else OTHER_ALPHA
    if bits.enum() != ALPHA:
        return "it has a further channel that is not alpha"
    if _depth(bits) != depth:
        return OTHER_ALPHA
    bits.choose((0, 0), (0, 3), (0, 4), (3, 1))
    name = bits.choose((0, 0), (4, 0), (5, 16), (10, 48))
    bits.take(8 * name)
    return "its colors are multiplied by alpha" if bits.take(1) else None


def _colors(bits: _Bits) -> tuple[bool, int | None, int | None]:
    # Whether it is gray; the curve, or None if these are not sRGB's primaries; where it is written.
    if bits.take(1):
        return False, SRGB_CURVE, None
    has_profile, space = bits.take(1), bits.enum()
    if has_profile or space not in (RGB, GRAY) or (white := bits.enum()) == CUSTOM:
        return space == GRAY, None, None
    primaries = bits.enum() if space == RGB else SRGB_PRIMARIES
    if primaries == CUSTOM or bits.take(1):  # points of its own; a power
        return space == GRAY, None, None
    curve = bits.enum()
    if (white, primaries) != (D65, SRGB_PRIMARIES) and curve not in HDR_CURVES:
        return space == GRAY, None, None
    return space == GRAY, curve, bits.place - CURVE_BITS
