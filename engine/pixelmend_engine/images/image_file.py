"""A picture as its file has it: pixels, upright, and what the file says beside them."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped

from pixelmend_engine.images.metadata import Metadata
from pixelmend_engine.images.sample_types import NAMES

CHANNELS = {1: "Y", 2: "YA", 3: "RGB", 4: "RGBA"}  # by how many samples a pixel has

Pixels = Shaped[np.ndarray, "h w c"]


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """One picture. Samples are of a type in `NAMES`; integers span 0 to white, floats 0 to 1."""

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)
    further: Shaped[np.ndarray, "h w n"] | None = None  # no colors: infrared of scans
    notes: tuple[str, ...] = ()  # what the user should know was changed on the way

    @property
    def channels(self) -> str:
        """A value of `CHANNELS`."""
        return CHANNELS[self.pixels.shape[2]]

    @property
    def sample_type(self) -> str:
        """Of its pixels, as the wire names it."""
        return NAMES[self.pixels.dtype.name]

    @property
    def alpha(self) -> Shaped[np.ndarray, "h w"] | None:
        """How opaque each pixel is, where the file says it."""
        return self.pixels[..., -1] if self.channels.endswith("A") else None


def with_channels(pixels: Shaped[np.ndarray, "..."]) -> Pixels:
    """Gives gray pixels, which most libraries have in two dimensions, their one channel."""
    return pixels if pixels.ndim == 3 else pixels[..., None]


def upright(pixels: Pixels, orientation: int) -> Shaped[np.ndarray, "h2 w2 c"]:
    """Turns pixels as EXIF's orientation asks a viewer to; contiguous, in the machine's order."""
    match orientation:
        case 2:
            pixels = pixels[:, ::-1]
        case 3:
            pixels = pixels[::-1, ::-1]
        case 4:
            pixels = pixels[::-1]
        case 5:
            pixels = pixels.swapaxes(0, 1)
        case 6:
            pixels = np.rot90(pixels, -1)
        case 7:
            pixels = pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            pixels = np.rot90(pixels)
        case _:
            pass
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
