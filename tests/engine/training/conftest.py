"""A folder to train on."""

from pathlib import Path

import numpy as np
import pytest
import tiny_run


@pytest.fixture
def photos(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """A folder of a dozen small photographs."""
    return tiny_run.make_photos(tmp_path / "photos", astronaut)
