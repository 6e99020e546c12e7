"""What looks at faces, kept loaded beside the model that restores them."""

from pathlib import Path

import torch

from pixelmend_engine.inference import devices
from pixelmend_engine.restoration.faces import loading
from pixelmend_engine.restoration.faces.detection import Detector, Find
from pixelmend_engine.restoration.faces.face_batch import Tools
from pixelmend_engine.restoration.faces.parsing import Parser


class FaceTools:
    """The detector and the parser, loaded when they are first needed."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._device: torch.device | None = None
        self._detector: Detector | None = None
        self._parser: Parser | None = None

    def detector(self, device: torch.device) -> Find:
        """Returns the detector on a device.

        Raises:
            PixelmendError: See `loading.detector`.
        """
        self._move(device)
        if self._detector is None:
            self._detector = loading.detector(self._models_dir, device)
        return self._detector

    def tools(self, device: torch.device) -> Tools:
        """Returns both on a device.

        Raises:
            PixelmendError: See `loading.detector` and `loading.parser`.
        """
        find = self.detector(device)
        if self._parser is None:
            self._parser = loading.parser(self._models_dir, device)
        return Tools(find=find, parse=self._parser)

    def release(self) -> None:
        """Gives their memory back."""
        device, self._device = self._device, None
        self._detector = self._parser = None
        if device is not None:
            devices.give_back(device)

    def _move(self, device: torch.device) -> None:
        if device != self._device:
            self.release()
            self._device = device
