"""Methods: a model, and what could be done without one."""

from pathlib import Path

import numpy as np
import pytest
import small_diffbir
from fakes import CPU, Brighter, spec
from PIL import Image

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import V2_1
from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation.damages import damaged_case
from pixelmend_engine.training.evaluation.methods import BIHARMONIC, LANCZOS, model_method


@pytest.fixture
def pair(photo: Path) -> TrainingPair:
    return TrainingPair(photo.name, photo)


def test_a_model_changes_what_is_in_holes_alone(pair: TrainingPair) -> None:
    scratched = damaged_case(pair, "wires", 0)
    loaded = LoadedModel(spec(), Brighter(by=0.5), CPU, ())
    filled = model_method("brighter", loaded, 0).restore(scratched)
    assert scratched.mask is not None
    assert (filled != scratched.degraded).any(dim=0).equal(scratched.mask)


@pytest.mark.slow
def test_diffbir_cleans_as_it_does_for_the_task(tmp_path: Path) -> None:
    samples = (small_diffbir.picture(64, 64)[0] * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(samples).save(tmp_path / "shapes.png")
    case = damaged_case(TrainingPair("shapes.png", tmp_path / "shapes.png"), "mixed", 0)
    model = small_diffbir.small("diffbir-v2.1")
    # What cleans faces is all that was given.
    pipeline = small_diffbir.pipeline(V2_1, "swinir_face")
    loaded = LoadedModel(model, pipeline, CPU, ())
    assert model_method("faces", loaded, 0, "face").restore(case).shape == case.sharp.shape
    with pytest.raises(UnreadableCheckpoint, match="nothing that cleans pictures for `denoise`"):
        model_method("noise", loaded, 0, "denoise").restore(case)


def test_biharmonic_filling_goes_on_with_a_ramp_and_leaves_all_else(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(0, 192, 2, dtype=np.uint8)[None, :, None], 64, axis=0)
    path = tmp_path / "ramp.png"
    Image.fromarray(ramp.repeat(3, axis=2)).save(path)
    case = damaged_case(TrainingPair("ramp.png", path), "scratches", 0)
    filled = BIHARMONIC.restore(case)
    assert (filled.short() - case.sharp.short()).abs().max() <= 1


def test_lanczos_makes_a_picture_as_large_as_it_should_be(pair: TrainingPair) -> None:
    case = damaged_case(pair, "worn-x4", 0)
    assert LANCZOS.restore(case).shape == case.sharp.shape
