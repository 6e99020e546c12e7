"""A model's own prior, as it restores pictures, and with others."""

from pathlib import Path

import pytest
import torch
from fakes import Brighter
from small_hidiff import CONFIG

from pixelmend_engine.catalog import registry
from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation.cases import BlurSettings, make_case
from pixelmend_engine.training.evaluation.evaluated_priors import LoadedPrior, probes, watched

CPU = torch.device("cpu")


@pytest.fixture
def pipeline() -> PriorGuidedPipeline:
    torch.manual_seed(0)
    return PriorGuidedPipeline(HIDiff(CONFIG, teacher=False), torch.float32)


def test_pictures_go_through_and_leave_what_becomes_of_their_priors(
    pipeline: PriorGuidedPipeline, photo: Path
) -> None:
    loaded = LoadedModel(registry.find("hi-diff-compact"), pipeline, CPU)
    actual = probes({"tiny": loaded})
    shaken = [
        make_case(TrainingPair(name, photo), BlurSettings(length=(3.0, 5.0))) for name in ("a", "b")
    ]
    assert [c.name for c in watched(iter(shaken), actual)] == ["a", "b"]
    health = actual["tiny"].health()
    assert health is not None
    assert health.encoder_low < health.encoder_high
    # Random networks of GoPro's system have half of their prior at the clamp.
    assert 0.2 < health.clamped < 0.9


def test_a_part_is_restored_with_the_prior_that_it_is_given(pipeline: PriorGuidedPipeline) -> None:
    guided = LoadedPrior(pipeline, CPU)
    picture = torch.rand(1, 3, 16, 24)
    prior = guided.prior(picture, picture)
    assert torch.equal(guided.prior(picture, picture), prior)  # one noise for all pictures
    with torch.inference_mode():
        expected = pipeline.networks.transformer(picture, prior)
    assert torch.allclose(guided.restore(picture, prior), expected, atol=1e-5)
    assert not torch.equal(guided.restore(picture, -prior), expected)


def test_what_no_prior_guides_has_no_probe(pipeline: PriorGuidedPipeline) -> None:
    spec = registry.find("hi-diff-compact")
    loaded = {
        "guided": LoadedModel(spec, pipeline, CPU),
        "other": LoadedModel(spec, Brighter(), CPU),
    }
    assert set(probes(loaded)) == {"guided"}
