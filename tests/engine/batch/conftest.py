"""Folders of pictures, and what came of them."""

from pathlib import Path
from typing import Any

import pytest
from batches import STEP, picture

from pixelmend_engine.batch import manifest
from pixelmend_engine.batch.job import BatchJob
from pixelmend_engine.batch.manifest import Manifest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three pictures, one of them in a folder."""
    for number, name in enumerate(("a.png", "b.png", "folder/c.png")):
        picture(tmp_path / "source" / name, number=number)
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.fixture
def job(source: Path, target: Path, tmp_path: Path) -> BatchJob:
    """Deblurs them with the model that ships."""
    models = str(tmp_path / "models")
    return BatchJob(source=str(source), target=str(target), steps=(STEP,), models_dir=models)


def rows(target: Path) -> dict[str, dict[str, Any]]:
    """What the manifest says of each picture."""
    with Manifest(target / manifest.FOLDER / manifest.NAME) as book:
        return {row["address"]: row for row in book.rows()}
