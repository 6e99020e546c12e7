"""What GIMP said of its layers, with their pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixelmend.client.client import Client
from pixelmend.wire import Json, Raster

SAMPLES = {"u8": "U8", "u16": "U16", "half": "F16", "float": "F32"}
DTYPES = {"u8": "<u1", "u16": "<u2", "half": "<f2", "float": "<f4"}


@dataclass(frozen=True)
class Layer:
    """A layer as GIMP described it."""

    folder: Path
    told: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.told[name]

    def __contains__(self, name: str) -> bool:
        return name in self.told

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return (self.folder / self["file"]).read_bytes()

    @property
    def pixels(self) -> np.ndarray:
        """Its pixels: rows, columns, channels; one channel of a mask."""
        kind = DTYPES[self.told.get("kind", "u8")]
        return np.frombuffer(self.data, kind).reshape(self["height"], self["width"], -1)

    @property
    def mask(self) -> np.ndarray:
        """Its mask."""
        return Layer(self.folder, self["mask"]).pixels

    @property
    def profile(self) -> bytes | None:
        """The color profile of its image."""
        return self["profile"] and (self.folder / self["profile"]).read_bytes()

    def raster(self, mask: np.ndarray | None = None) -> Raster:
        """Makes the picture that a front end has to send for it."""
        model = str(self["format"]).rsplit(" ", 1)[0]
        curve = "nonlinear" if "'" in model else "perceptual" if "~" in model else "linear"
        return Raster(
            self["width"],
            self["height"],
            SAMPLES[self["kind"]],
            model.replace("'", "").replace("~", ""),
            self.data,
            encoding=curve,
            mask=None if mask is None else mask.tobytes(),
            color_profile=self.profile,
        )


def restored(
    client: Client, layer: Layer, task: str, options: Json, mask: np.ndarray | None = None
) -> tuple[np.ndarray, Json]:
    """Asks the engine for what the plug-in should have made of a layer; also what it says of it."""
    result, facts = client.restore(layer.raster(mask), task, options)
    shape = (result.height, result.width, layer.pixels.shape[2])
    return np.frombuffer(result.data, layer.pixels.dtype).reshape(shape), facts


@dataclass(frozen=True)
class Scene:
    """What came of one scene."""

    folder: Path
    told: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.told[name]

    def layer(self, name: str) -> Layer:
        """Returns a layer, or a selection, that was described by itself."""
        return Layer(self.folder, self[name])

    @property
    def layers(self) -> list[Layer]:
        """All layers, the topmost first."""
        return [Layer(self.folder, told) for told in self["layers"]]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [layer["name"] for layer in self.layers]


@dataclass(frozen=True)
class Scenes:
    """What came of every scene of `inside/scenes.py`, all played in one GIMP."""

    folder: Path
    told: dict[str, Any]

    def __getitem__(self, name: str) -> Scene:
        played = self.told[name]
        assert "raised" not in played, played["raised"]
        return Scene(self.folder, played)
