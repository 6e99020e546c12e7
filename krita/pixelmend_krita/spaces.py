"""Color spaces as Krita names them, and how their pixels lie in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SAMPLE_BYTES = {"U8": 1, "U16": 2, "F16": 2, "F32": 4}
CHANNELS = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5, "LABA": 4, "XYZA": 4, "YCbCrA": 4}
ALPHA = {  # as the wire names them: integers lie from blue to red, floats from red to blue
    ("RGBA", "U8"): "BGRA",
    ("RGBA", "U16"): "BGRA",
    ("RGBA", "F16"): "RGBA",
    ("RGBA", "F32"): "RGBA",
}


@dataclass(frozen=True)
class Space:
    """What the bytes of a pixel mean."""

    model: str
    depth: str
    profile: str  # its name; no other has it

    @property
    def pixel_bytes(self) -> int:
        """How many bytes a pixel has."""
        return CHANNELS[self.model] * SAMPLE_BYTES[self.depth]

    @property
    def channels(self) -> str | None:
        """What a pixel has, as the engine names it; None for what it does not take."""
        return "YA" if self.model == "GRAYA" else ALPHA.get((self.model, self.depth))


# What everything else is turned into on its way to the engine.
WORKING = Space("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc")


def space_of(holder: Any) -> Space:
    """Returns the color space of a layer or a document."""
    return Space(holder.colorModel(), holder.colorDepth(), holder.colorProfile())
