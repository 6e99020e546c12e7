"""What TensorBoard shows of a run: losses, rates, validation, pictures."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import (
    SummaryWriter,  # pyright: ignore[reportPrivateImportUsage] - its documented place
)


class TensorBoardLog:
    """Writes to a folder; a run that goes on takes back what it had written beyond its state."""

    def __init__(self, folder: Path, *, done: int) -> None:
        self._writer = SummaryWriter(folder, purge_step=done + 1)

    def add_scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Adds numbers of a step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def add_image(self, step: int, image: Image.Image) -> None:
        """Adds a sheet of pictures."""
        self._writer.add_image("validation", np.asarray(image), step, dataformats="HWC")

    def close(self) -> None:
        """Writes what is not written yet."""
        self._writer.close()
