"""One thread for all training tests: two that wait for each other are slower on small pictures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny_run
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photos(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """A folder of a dozen small photographs."""
    return tiny_run.make_photos(tmp_path / "photos", astronaut)
