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


def white(dtype: np.dtype) -> int:
    """Returns what white is in samples of a type, one of `NAMES`."""
    return SAMPLE_TYPES[NAMES[dtype.name]].white
