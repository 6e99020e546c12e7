"""Between the values of a picture and sRGB, which is what the networks see.

Nothing is clipped here and nothing rounded: values beyond 0 and 1 are colors that sRGB has no room
for, and come back as they were.
"""

import io
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, runtime_checkable

import imagecodecs
import numpy as np
from jaxtyping import Float32
from PIL import ImageCms

from pixelmend.wire import Raster

Samples = Float32[np.ndarray, "h w c"]
RGB = Float32[np.ndarray, "h w 3"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, on encoded values, as Pillow


@runtime_checkable
class ColorSpace(Protocol):
    """What the values of a picture mean; both ways are each other's inverse."""

    def to_srgb(self, samples: Samples) -> RGB:
        """Turns a picture's values into sRGB-encoded ones."""
        ...

    def from_srgb(self, rgb: RGB) -> Samples:
        """Turns sRGB-encoded values into the picture's."""
        ...


class Srgb:
    """The picture's values are sRGB already."""

    def to_srgb(self, samples: Samples) -> RGB:
        """Returns what it got."""
        return samples

    def from_srgb(self, rgb: RGB) -> Samples:
        """Returns what it got."""
        return rgb


class Gray:
    """One channel, encoded like sRGB."""

    def to_srgb(self, samples: Samples) -> RGB:
        """Makes red, green and blue equal."""
        return np.repeat(samples, 3, axis=2)

    def from_srgb(self, rgb: RGB) -> Samples:
        """Weighs red, green and blue as the eye does."""
        return (rgb @ LUMA)[..., None]


@dataclass(frozen=True)
class Curved:
    """RGB of known primaries, either linear or with sRGB's curve."""

    to_linear_srgb: tuple[tuple[float, ...], ...]  # 3x3
    curve: Literal["linear", "srgb"]

    def to_srgb(self, samples: Samples) -> RGB:
        """Mixes linear light anew, and encodes it."""
        linear = samples if self.curve == "linear" else decode(samples)
        return encode(linear @ np.array(self.to_linear_srgb, np.float32).T)

    def from_srgb(self, rgb: RGB) -> Samples:
        """Goes the same way back."""
        linear = decode(rgb) @ np.linalg.inv(np.array(self.to_linear_srgb)).T.astype(np.float32)
        return linear if self.curve == "linear" else encode(linear)


@dataclass(frozen=True)
class Profiled:
    """What an ICC profile says, by LittleCMS in float32; matrix profiles are not clipped."""

    profile: bytes
    space: Literal["rgb", "gray"]

    def to_srgb(self, samples: Samples) -> RGB:
        """Transforms with relative colorimetric intent, LittleCMS's default here."""
        source = samples if self.space == "rgb" else np.ascontiguousarray(samples[..., 0])
        return _transform(source, self.profile, SRGB_PROFILE, self.space, "rgb")

    def from_srgb(self, rgb: RGB) -> Samples:
        """Transforms back."""
        result = _transform(rgb, SRGB_PROFILE, self.profile, "rgb", self.space)
        return result if self.space == "rgb" else result[..., None]


def color_space(raster: Raster) -> tuple[ColorSpace, str | None]:
    """Finds what a picture's values mean; a second value says what was assumed instead.

    Without a profile it is sRGB, and so it is where the profile can't be read or is not one for
    such a picture.
    """
    gray = raster.channels in ("Y", "YA")
    if raster.color_profile is None:
        return _without_profile(raster.encoding, gray=gray), None
    try:
        space = str(_profile_field(raster.color_profile, "xcolor_space")).strip().lower()
        if space != ("gray" if gray else "rgb"):
            assumed = f"its color profile is for {space or 'nothing'}; sRGB was assumed"
            return _without_profile(raster.encoding, gray=gray), assumed
        if raster.encoding == "nonlinear" or gray:
            profiled = Profiled(raster.color_profile, "gray" if gray else "rgb")
            profiled.from_srgb(profiled.to_srgb(np.zeros((1, 1, 1 if gray else 3), np.float32)))
            return profiled, None
        return _curved(raster.color_profile, raster.encoding), None
    except (OSError, ImageCms.PyCMSError, RuntimeError, TypeError, ValueError):
        assumed = "its color profile could not be read; sRGB was assumed"
        return _without_profile(raster.encoding, gray=gray), assumed


def _without_profile(encoding: str, *, gray: bool) -> ColorSpace:
    if gray:
        return Gray()
    return _curved(SRGB_PROFILE, encoding) if encoding == "linear" else Srgb()


def _curved(profile: bytes, encoding: str) -> Curved:
    matrix = np.linalg.inv(_colorants(SRGB_PROFILE)) @ _colorants(profile)
    np.linalg.inv(matrix)  # raises where the way back is missing
    rows = tuple(tuple(float(value) for value in row) for row in matrix)
    return Curved(rows, "linear" if encoding == "linear" else "srgb")


def _colorants(profile: bytes) -> np.ndarray:
    # XYZ of full red, green and blue, adapted to the white that all profiles are related to.
    names = ("red_colorant", "green_colorant", "blue_colorant")
    colorants = [_profile_field(profile, name) for name in names]
    return np.array([cast("tuple[Any, ...]", colorant)[0] for colorant in colorants], np.float64).T


def _profile_field(profile: bytes, name: str) -> object:
    # Pillow's stubs do not know the class that holds what a profile says.
    return getattr(cast("object", ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile), name)


def encode(linear: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """Applies sRGB's curve, mirrored below 0. Source: IEC 61966-2-1."""
    size = np.abs(linear)
    curve = 1.055 * np.power(size, 1 / 2.4, dtype=np.float32) - 0.055
    return np.copysign(np.where(size <= 0.0031308, 12.92 * size, curve), linear).astype(np.float32)


def decode(encoded: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """Undoes `encode`."""
    size = np.abs(encoded)
    curve = np.power((size + 0.055) / 1.055, 2.4, dtype=np.float32)
    return np.copysign(np.where(size <= 0.04045, size / 12.92, curve), encoded).astype(np.float32)


def _transform(
    values: np.ndarray, source: bytes, target: bytes, source_space: str, target_space: str
) -> np.ndarray:
    return imagecodecs.cms_transform(
        np.ascontiguousarray(values, np.float32),
        source,
        target,
        colorspace=source_space,
        outcolorspace=target_space,
        outdtype="float32",
    )


SRGB_PROFILE = ImageCms.ImageCmsProfile(
    ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownArgumentType] - no stub
).tobytes()
