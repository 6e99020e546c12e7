"""Damage, told from bugs: what the libraries raise over broken files, at the call of each.

Our own code that takes bytes apart says `Damaged` itself. Whatever else it raises is a bug of ours,
and must not be told as a fault of the user's file.
"""

import contextlib
import struct
from collections.abc import Generator
from typing import Any


class Damaged(Exception):
    """Bytes of a file are not what its format says; or a format has no place for some."""


# Besides OSError. The first were seen with fuzzed files, the others can happen in what they call.
PILLOW = (
    RuntimeError,  # of its decoders: WebP, AVIF
    SyntaxError,  # its word for a file that is of another format than it seemed
    ValueError,
    EOFError,
    LookupError,
    OverflowError,
    TypeError,
    ZeroDivisionError,
    struct.error,
)
TIFFFILE = (
    LookupError,  # over counts that do not agree
    RuntimeError,  # of imagecodecs: DeflateError and its like
    TypeError,  # over numbers where it expects several, and the reverse
    ValueError,  # its own TiffFileError is one
    ZeroDivisionError,  # over tiles and strips without a size
    AttributeError,
    OverflowError,
    struct.error,
)
IMAGECODECS = (RuntimeError, ValueError)  # JpegxlError, PngError and its like are RuntimeErrors


@contextlib.contextmanager
def damage(raised: tuple[type[Exception], ...]) -> Generator[None]:
    """Turns what a library raises into `Damaged`; only its call may stand within."""
    try:
        yield
    except raised as error:
        raise Damaged(str(error)) from error


def unpack(form: str, data: bytes | bytearray, place: int) -> tuple[Any, ...]:
    """Reads numbers, as `struct.unpack_from` does.

    Raises:
        Damaged: The bytes end before.
    """
    with damage((struct.error,)):
        return struct.unpack_from(form, data, place)


def pack(form: str, data: bytearray, place: int, *values: int) -> None:
    """Writes numbers, as `struct.pack_into` does.

    Raises:
        Damaged: The bytes end before, or have no room for such a number.
    """
    with damage((struct.error,)):
        struct.pack_into(form, data, place, *values)
