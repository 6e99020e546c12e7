"""Colors that a file states in numbers, turned into the profile that states the same.

Sources: ITU-T H.273 (codes of primaries and curves, as PNG's `cICP`, AVIF and HEIC have them); PNG,
third edition, 11.3.2 (`gAMA`, `cHRM`); Adobe RGB (1998) Color Image Encoding, 4.3.1.
"""

import functools
import struct

import imagecodecs
import numpy as np

from pixelmend_engine.images import limits

D65 = (0.3127, 0.329)  # x, y
SRGB_POINTS = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x, y of red, green and blue
ADOBE_RGB_POINTS = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_RGB_GAMMA = 563 / 256
PRIMARIES: dict[int, tuple[tuple[float, float], tuple[float, ...]]] = {  # white, and the points
    1: (D65, SRGB_POINTS),
    4: ((0.31, 0.316), (0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: (D65, (0.64, 0.33, 0.29, 0.6, 0.15, 0.06)),
    6: (D65, (0.63, 0.34, 0.31, 0.595, 0.155, 0.07)),
    7: (D65, (0.63, 0.34, 0.31, 0.595, 0.155, 0.07)),
    9: (D65, (0.708, 0.292, 0.17, 0.797, 0.131, 0.046)),
    11: ((0.314, 0.351), (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)),
    12: (D65, (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)),
}
NOT_STATED = 2
SRGB_CURVES = (1, 2, 6, 13, 14, 15)  # BT.709's and its like are shown as sRGB's
GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
HDR_CURVES = {16: "PQ", 18: "HLG"}
SRGB_GAMMA, SAME_GAMMA, SAME_POINT = 1 / 2.2, 0.005, 0.002
TAG_COUNT_AT = 128  # behind a profile's header
MOST_TAGS = 1000  # a profile has some twenty


def of_codes(primaries: int, curve: int, name: str, *, gray: bool) -> bytes | None:
    """Returns the profile of colors that are stated as videos' are; None for sRGB.

    Raises:
        UnsupportedImage: They are those of HDR, or of a kind that has no profile here.
    """
    if curve in HDR_CURVES:
        raise limits.hdr(name, HDR_CURVES[curve])
    gamma = None if curve in SRGB_CURVES else GAMMAS.get(curve, 0.0)
    if primaries == NOT_STATED:
        primaries = 1
    if primaries not in PRIMARIES or gamma == 0:
        raise limits.other_colors(name, f"a video's colors ({primaries}, {curve} of H.273)")
    white, points = PRIMARIES[primaries]
    if gamma is None and points == SRGB_POINTS:
        return None
    return profile(white, points, gamma, gray=gray)


def of_chromaticities(
    gamma: float | None, points: tuple[float, ...] | None, *, gray: bool
) -> bytes | None:
    """Returns the profile of what PNG's `gAMA` and `cHRM` state; None for sRGB.

    `gamma` is the exponent that encodes, 0.45455 mostly; `points` x and y of white, red, green and
    blue. None is what is not stated.
    """
    usual = gamma is None or abs(gamma - SRGB_GAMMA) < SAME_GAMMA
    same = points is None or all(
        abs(one - other) < SAME_POINT
        for one, other in zip(points, (*D65, *SRGB_POINTS), strict=True)
    )
    if usual and (same or gray):
        return None
    exponent = None if usual or not gamma else 1 / gamma
    if same or points is None:
        return profile(D65, SRGB_POINTS, exponent, gray=gray)
    return profile((points[0], points[1]), points[2:], exponent, gray=gray)


def adobe_rgb() -> bytes:
    """Returns a profile of Adobe RGB (1998)'s colors."""
    return profile(D65, ADOBE_RGB_POINTS, ADOBE_RGB_GAMMA, gray=False)


@functools.cache
def profile(
    white: tuple[float, float], points: tuple[float, ...], gamma: float | None, *, gray: bool
) -> bytes:
    """Makes a profile; `gamma` is the exponent that decodes, None sRGB's curve.

    Raises:
        RuntimeError: No light has such points.
    """
    if gamma is None:
        encoded = np.linspace(0, 1, 1024)  # as a table, which is what the library takes
        light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        table = np.rint(light * 65535).astype(np.uint16)
    else:
        table = None
    made = imagecodecs.cms_profile(
        "gray" if gray else "rgb",
        whitepoint=None if gray else white,
        primaries=None if gray else points,
        transferfunction=table,
        gamma=gamma,
    )
    return made[:24] + bytes(12) + made[36:]  # without its date: same picture, same file


def refuse_hdr(icc_profile: bytes | None, name: str) -> None:
    """Makes sure that a profile, of whatever format, does not say that the picture is HDR.

    Source: ICC.1:2022, 9.2.17 (`cicpTag`).

    Raises:
        UnsupportedImage: It does.
    """
    data = icc_profile or b""
    if len(data) < TAG_COUNT_AT + 4:
        return
    (count,) = struct.unpack_from(">I", data, TAG_COUNT_AT)
    end = TAG_COUNT_AT + 4 + 12 * min(count, MOST_TAGS)
    for place in range(TAG_COUNT_AT + 4, min(end, len(data) - 11), 12):
        signature, offset = struct.unpack_from(">4sI", data, place)
        if signature == b"cicp" and offset + 12 <= len(data):
            curve = data[offset + 9]
            if curve in HDR_CURVES:
                raise limits.hdr(name, HDR_CURVES[curve])
