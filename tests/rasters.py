"""Pictures as they travel, made from arrays and back."""

import numpy as np

from pixelmend.wire import CHANNELS, Raster
from pixelmend_engine.images.sample_types import DTYPES


def array(raster: Raster) -> np.ndarray:
    """The samples of a picture."""
    shape = (raster.height, raster.width, CHANNELS[raster.channels])
    return np.frombuffer(raster.data, DTYPES[raster.sample_type]).reshape(shape)


def picture(samples: np.ndarray, channels: str = "RGB", **more: object) -> Raster:
    """A picture of these samples."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    height, width = samples.shape[:2]
    data = np.ascontiguousarray(samples).tobytes()
    return Raster(width, height, names[samples.dtype], channels, data, **more)  # pyright: ignore[reportArgumentType]
