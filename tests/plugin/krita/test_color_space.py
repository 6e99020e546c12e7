"""How Krita's pixels lie in memory, looked at without Krita."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FILE = Path(__file__).parents[3] / "krita" / "pixelmend_krita" / "color_space.py"
DTYPES = {"U8": "<u1", "U16": "<u2", "F16": "<f2", "F32": "<f4"}
OPAQUE = {"U8": 255, "U16": 65535, "F16": 1.0, "F32": 1.0}


@pytest.fixture(scope="module")
def color_space() -> Any:
    """The module, whose package can be imported by Krita alone."""
    spec = importlib.util.spec_from_file_location("krita_color_space", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("depth", list(DTYPES))
@pytest.mark.parametrize(("model", "channels"), [("RGBA", 4), ("GRAYA", 2)])
def test_one_transparent_pixel_is_seen_in_every_depth(
    color_space: Any, model: str, channels: int, depth: str
) -> None:
    space = color_space.ColorSpace(model, depth, "any")
    pixels = np.zeros((5, channels), DTYPES[depth])
    pixels[:, -1] = OPAQUE[depth]
    assert pixels[0].nbytes == space.pixel_bytes
    assert space.is_opaque(memoryview(pixels.tobytes()))
    pixels[3, -1] = OPAQUE[depth] * 0.99
    assert not space.is_opaque(memoryview(pixels.tobytes()))


def test_integers_are_blue_first_and_floats_red_first(color_space: Any) -> None:
    channels = {depth: color_space.ColorSpace("RGBA", depth, "any").channels for depth in DTYPES}
    assert channels == {"U8": "BGRA", "U16": "BGRA", "F16": "RGBA", "F32": "RGBA"}


def test_what_the_engine_does_not_take_is_said(color_space: Any) -> None:
    assert color_space.ColorSpace("CMYKA", "U8", "any").channels is None
