"""Every model that ships has a prior that depends on the picture, and is worth something."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.restoration.model_choice import ModelChoice
from pixelmend_engine.restoration.session import Session
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation.damages import damaged_case
from pixelmend_engine.training.evaluation.evaluated_priors import probes, watched

# What each is made for, so that there is something to tell apart; a sound picture is among it.
DAMAGES = {
    "hi-diff-compact": ("frames", "none", "frames", "soft"),
    "compact": ("gaussian-50", "none", "jpeg-20", "scan"),
}
COLLAPSED = pytest.mark.xfail(strict=True, reason="its card says so: a transformer alone, in truth")
BUNDLED = [
    pytest.param(spec, id=spec.id, marks=COLLAPSED if spec.id == "hi-diff-compact" else ())
    for spec in registry.MODELS
    if spec.bundled is not None
]


@pytest.fixture
def parts(astronaut: np.ndarray, tmp_path: Path) -> list[TrainingPair]:
    """Four quarters of a portrait."""
    pairs: list[TrainingPair] = []
    for number, (top, left) in enumerate(((0, 0), (0, 256), (256, 0), (256, 256))):
        path = tmp_path / f"{number}.png"
        Image.fromarray(astronaut[top : top + 256, left : left + 256]).save(path)
        pairs.append(TrainingPair(path.name, path))
    return pairs


@pytest.mark.parametrize("spec", BUNDLED)
def test_a_bundled_models_prior_is_alive(
    spec: ModelSpec, parts: list[TrainingPair], tmp_path: Path
) -> None:
    choice = ModelChoice(task=spec.tasks[0], model=spec.id, device="cpu")
    found = probes({spec.id: Session(tmp_path).load(choice)})
    damages = zip(parts, DAMAGES[spec.id], strict=True)
    cases = [damaged_case(part, damage, 0) for part, damage in damages]
    assert len([*watched(cases, found)]) == len(parts)
    health = found[spec.id].health()
    assert health is not None
    assert health.is_alive, str(health)
