"""Types of samples as numpy has them. Which there are, `pixelmend.wire` says."""

import numpy as np

from pixelmend.wire import SAMPLE_TYPES

KINDS = {"U": "u", "F": "f"}  # whole numbers without a sign, floats
DTYPES = {  # as they travel: little-endian
    name: np.dtype(f"<{KINDS[name[0]]}{kind.size_bytes}") for name, kind in SAMPLE_TYPES.items()
}
NAMES = {dtype.name: name for name, dtype in DTYPES.items()}  # numpy's own, in any byte order


def sample_type_of(dtype: np.dtype) -> str | None:
    """Returns the name of a type of samples; None for one that no front end sends."""
    return NAMES.get(dtype.name)


def spread(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Lets white be the largest number, where a codec leaves 10 bits as they are in 16."""
    if pixels.dtype.kind == "f" or bits == pixels.dtype.itemsize * 8:
        return pixels
    scale = white(pixels.dtype) / (2**bits - 1)
    return np.rint(pixels * np.float32(scale)).astype(pixels.dtype)


def white(dtype: np.dtype) -> int:
    """Returns what white is in samples of a type, one of `NAMES`."""
    return SAMPLE_TYPES[NAMES[dtype.name]].white
