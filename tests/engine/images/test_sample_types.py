"""Types of samples are the same on the wire and in numpy."""

import numpy as np
import pytest

from pixelmend.wire import SAMPLE_TYPES
from pixelmend_engine.images.sample_types import DTYPES, sample_type_of, white

TYPES = {"U8": np.uint8, "U16": np.uint16, "F16": np.float16, "F32": np.float32}


@pytest.mark.parametrize("name", SAMPLE_TYPES)
def test_each_has_its_numpy_type(name: str) -> None:
    dtype = DTYPES[name]
    assert dtype == np.dtype(TYPES[name]).newbyteorder("<")
    assert dtype.itemsize == SAMPLE_TYPES[name].size_bytes
    for order in ("<", ">"):
        assert sample_type_of(dtype.newbyteorder(order)) == name
    assert white(dtype) == (np.iinfo(dtype).max if dtype.kind == "u" else 1)


def test_others_have_no_name() -> None:
    assert sample_type_of(np.dtype(np.float64)) is None
