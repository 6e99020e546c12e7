"""Color spaces as Krita names them, and how their pixels lie in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CHANNELS = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5, "LABA": 4, "XYZA": 4, "YCbCrA": 4}
OPAQUE = {"U8": b"\xff", "U16": b"\xff\xff", "F16": b"\x00\x3c", "F32": b"\x00\x00\x80\x3f"}
ALPHA = {  # as the wire names them: integers lie from blue to red, floats from red to blue
    ("RGBA", "U8"): "BGRA",
    ("RGBA", "U16"): "BGRA",
    ("RGBA", "F16"): "RGBA",
    ("RGBA", "F32"): "RGBA",
}


@dataclass(frozen=True)
class ColorSpace:
    """What the bytes of a pixel mean."""

    model: str
    depth: str
    profile: str  # its name; no other has it

    @property
    def pixel_bytes(self) -> int:
        """How many bytes a pixel has."""
        return CHANNELS[self.model] * len(OPAQUE[self.depth])

    def is_opaque(self, pixels: memoryview) -> bool:
        """Tells whether all of these pixels are opaque."""
        opaque, size = OPAQUE[self.depth], self.pixel_bytes
        first = size - len(opaque)  # alpha is the last channel everywhere
        view = pixels.cast("B")
        bytes_of = (view[first + place :: size].tobytes() for place in range(len(opaque)))
        return all(values.count(byte) == len(values) for values, byte in zip(bytes_of, opaque))

    @property
    def channels(self) -> str | None:
        """What a pixel has, as the engine names it; None for what it does not take."""
        return "YA" if self.model == "GRAYA" else ALPHA.get((self.model, self.depth))


# What everything else is turned into on its way to the engine.
WORKING = ColorSpace("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc")


def color_space_of(holder: Any) -> ColorSpace:
    """Returns the color space of a layer or a document."""
    return ColorSpace(holder.colorModel(), holder.colorDepth(), holder.colorProfile())
