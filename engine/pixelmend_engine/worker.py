"""What the engine does with a job: a body in, a restored body out."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from pixelmend.errors import UnsupportedImage
from pixelmend.wire import CHANNELS, Bytes, Raster, decode, encode
from pixelmend_engine import tasks
from pixelmend_engine.jobs import Say
from pixelmend_engine.session import Choice, Session

# Where red, green and blue are; gray is all three at once.
COLOR = {
    "RGB": (0, 1, 2),
    "RGBA": (0, 1, 2),
    "BGR": (2, 1, 0),
    "BGRA": (2, 1, 0),
    "Y": (0, 0, 0),
    "YA": (0, 0, 0),
}


class Worker:
    """Restores pictures with the models of one folder."""

    def __init__(self, models_dir: Path) -> None:
        self._session = Session(models_dir)

    def run(self, body: memoryview, say: Say) -> list[Bytes]:
        """Restores the picture in a body; alpha and what the mask leaves out stay as they are."""
        raster, facts = decode(body)
        task, options = tasks.check(facts)
        _refuse_unsupported(raster)
        shape = (raster.height, raster.width, CHANNELS[raster.channels])
        source = np.frombuffer(raster.data, np.uint8).reshape(shape)
        color = COLOR[raster.channels]
        choice = Choice(
            task=task,
            model=options["model"],
            device=options["device"],
            precision=options["precision"],
        )
        say("load", 0, 0)
        self._session.load(choice)
        restored, facts = self._session.restore(
            choice,
            options,
            np.ascontiguousarray(source[..., color]),
            lambda done, total: say("run", done, total),
        )
        result = source.copy()
        if raster.channels in ("Y", "YA"):
            result[..., 0] = np.asarray(Image.fromarray(restored).convert("L"))
        else:
            result[..., color] = restored
        if raster.mask is not None:
            result = _blend(source, result, raster)
        whole = result.data.cast("B")
        return encode(dataclasses.replace(raster, data=whole, mask=None), facts)

    def release(self) -> None:
        """Gives the memory of the loaded model back."""
        self._session.release()


def _refuse_unsupported(raster: Raster) -> None:
    if raster.samples != "U8":
        raise UnsupportedImage(
            f"The picture has more than 8 bits per channel ({raster.samples}), which would be lost",
            hint="Restore a copy with 8 bits per channel",
        )
    if raster.encoding == "linear":
        raise UnsupportedImage(
            "The picture's values are linear light, which the models do not see well",
            hint="Convert it to perceptual gamma first",
        )


def _blend(source: np.ndarray, result: np.ndarray, raster: Raster) -> np.ndarray:
    assert raster.mask is not None
    mask = np.frombuffer(raster.mask, np.uint8).reshape(raster.height, raster.width, 1) / 255
    mixed = source + mask * (result.astype(np.float32) - source)
    return np.where(mask == 0, source, np.rint(mixed).astype(np.uint8))
