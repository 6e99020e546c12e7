"""PPM and PGM files, binary and plain, of 8 to 16 bits. Source: Netpbm's manual, ppm(5), pgm(5)."""

import re
from pathlib import Path

import numpy as np

from pixelmend_engine.images import limits
from pixelmend_engine.images.damage import Damaged
from pixelmend_engine.images.image_file import ImageFile

SIGNATURES = (b"P2", b"P3", b"P5", b"P6")
CHANNELS = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}
PLAIN = (b"P2", b"P3")  # numbers as text
SPACE = rb"(?:\s|#[^\n]*\n)+"  # and remarks
NUMBER = rb"(\d{1,9})"
HEADER = re.compile(SPACE.join((rb"(P[2356])", NUMBER, NUMBER, NUMBER)) + rb"\s")
LONGEST_HEADER = 64 * 1024  # bytes, with remarks
MOST = 65_535  # of a sample


def is_one(start: bytes) -> bool:
    """Says whether a file begins as one."""
    return start.startswith(SIGNATURES) and start[2:3].isspace()


def read(path: Path) -> ImageFile:
    """Reads a file: 8 bits where its samples go up to 255, else 16.

    Raises:
        BadImage: It is too small or too large.
        Damaged: It is.
    """
    data = path.read_bytes()
    match = HEADER.match(data[:LONGEST_HEADER])
    if match is None:
        raise Damaged("no header")
    kind, (width, height, most) = match[1], (int(match[index]) for index in (2, 3, 4))
    limits.check_size(width, height, path.name)
    if not 0 < most <= MOST:
        raise Damaged(f"samples up to {most}")
    count = width * height * CHANNELS[kind]
    dtype = np.dtype(np.uint8 if most < 256 else ">u2")
    body = data[match.end() :]
    if kind in PLAIN:
        numbers = body.split()[:count]
        if not all(number.isdigit() and len(number) < 6 for number in numbers):
            raise Damaged("no numbers")
        samples = np.array(numbers, np.uint32)
    else:
        samples = np.frombuffer(body, dtype, min(count, len(body) // dtype.itemsize))
    if len(samples) < count or samples.max() > most:
        raise Damaged("it is cut off, or its samples are larger than it says")
    white = 255 if most < 256 else MOST
    if most != white:
        samples = np.rint(samples * np.float64(white / most))
    pixels = samples.astype(np.uint8 if most < 256 else np.uint16)
    return ImageFile(pixels=pixels.reshape(height, width, CHANNELS[kind]))
