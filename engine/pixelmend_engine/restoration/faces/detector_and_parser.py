"""What looks at faces, kept loaded beside the model that restores them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pixelmend_engine.inference import devices
from pixelmend_engine.restoration.faces import loading
from pixelmend_engine.restoration.faces.alignment import Square
from pixelmend_engine.restoration.faces.detection import Detector
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.parsing import Parser


@runtime_checkable
class FaceNetworks(Protocol):
    """Finds faces, and tells them from what is around them."""

    checks_identity: bool
    """Whether what it finds says if a restored face is still the same person's."""

    def find(self, image: Float[Tensor, "1 3 h w"]) -> list[Face]:
        """Finds the faces of a picture, sRGB in [0, 1], largest first."""
        ...

    def parse(self, square: Square) -> UInt8[np.ndarray, "512 512"]:
        """Sorts the pixels of an aligned face into ParseNet's classes."""
        ...


class FaceDetectorAndParser:
    """RetinaFace and ParseNet, as published; loaded on one device at a time."""

    checks_identity = True

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._device: torch.device | None = None
        self._detector: Detector | None = None
        self._parser: Parser | None = None

    def load_detector(self, device: torch.device) -> None:
        """Loads the detector, unless it is there.

        Raises:
            PixelmendError: See `loading.detector`.
        """
        if device != self._device:
            self.release()
            self._device = device
        if self._detector is None:
            self._detector = loading.detector(self._models_dir, device)

    def load(self, device: torch.device) -> None:
        """Loads both, unless they are there.

        Raises:
            PixelmendError: See `loading.detector` and `loading.parser`.
        """
        self.load_detector(device)
        if self._parser is None:
            self._parser = loading.parser(self._models_dir, device)

    def find(self, image: Float[Tensor, "1 3 h w"]) -> list[Face]:
        """Finds the faces of a picture, sRGB in [0, 1], largest first."""
        assert self._detector is not None
        return self._detector(image)

    def parse(self, square: Square) -> UInt8[np.ndarray, "512 512"]:
        """Sorts the pixels of an aligned face into ParseNet's classes."""
        assert self._parser is not None
        return self._parser(square)

    def release(self) -> None:
        """Gives their memory back."""
        device, self._device = self._device, None
        self._detector = self._parser = None
        if device is not None:
            devices.give_back(device)
