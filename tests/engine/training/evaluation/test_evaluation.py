"""Evaluation: figures of every method, and the pictures that the first did least for."""

from pathlib import Path

import pytest
from fakes import CPU, Brighter, spec

from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.cases import BlurSettings, make_case
from pixelmend_engine.training.evaluation.damages import damaged_case
from pixelmend_engine.training.evaluation.evaluation import (
    WORST,
    Evaluation,
    Figures,
    summarize,
)
from pixelmend_engine.training.evaluation.methods import (
    BIHARMONIC,
    INPUT,
    LANCZOS,
    Method,
    baseline_methods,
    model_method,
)


@pytest.fixture
def pair(photo: Path) -> TrainingPair:
    return TrainingPair(photo.name, photo)


def test_figures_of_a_model_and_of_the_baselines(pair: TrainingPair) -> None:
    loaded = LoadedModel(spec(), Brighter(by=0.0), CPU, ())
    evaluation = Evaluation([model_method("same", loaded, 0), *baseline_methods(0)])
    shaken = make_case(pair, BlurSettings(length=(3.0, 6.0)))
    (figures,) = evaluation.run([shaken])
    assert figures.psnr["same"] == figures.psnr[INPUT.name]
    assert figures.ssim["same"] == figures.ssim[INPUT.name]
    told = "richardson-lucy, told the blur"
    assert figures.psnr[told] > figures.psnr[INPUT.name]
    # Where nobody knows the blur, nobody is told.
    two = TrainingPair("two", pair.sharp, pair.sharp)
    (figures,) = evaluation.run([make_case(two, BlurSettings())])
    assert set(figures.psnr) == {INPUT.name, "same", "unsharp mask", "richardson-lucy", "wiener"}
    assert figures.psnr["same"] == metrics.MAX_PSNR


def test_means_and_the_worst_picture() -> None:
    figures = [
        Figures("a", {INPUT.name: 20.0, "model": 23.0}, {INPUT.name: 0.5, "model": 0.7}),
        Figures("b", {INPUT.name: 30.0, "model": 29.0}, {INPUT.name: 0.9, "model": 0.8}),
    ]
    first, second = summarize(figures)
    assert (first.method, first.psnr, first.gain) == (INPUT.name, 25.0, 0.0)
    assert (second.psnr, second.ssim, second.gain) == (26.0, pytest.approx(0.75), 1.0)
    assert (second.worst_gain, second.worst) == (-1.0, "b")


def test_the_sheet_shows_the_five_that_gained_least(pair: TrainingPair) -> None:
    evaluation = Evaluation([Method("same", lambda case: case.degraded)])
    shaken = make_case(pair, BlurSettings(length=(3.0, 6.0)))
    assert len(list(evaluation.run([shaken] * (WORST + 2)))) == WORST + 2
    one = Evaluation([Method("same", lambda case: case.degraded)])
    list(one.run([shaken]))
    assert evaluation.worst_sheet().height > 4 * one.worst_sheet().height


def test_of_a_smaller_picture_gains_are_against_lanczos(pair: TrainingPair) -> None:
    small = damaged_case(pair, "x2", 0)
    nearest = Method(
        "nearest", lambda case: case.degraded.repeat_interleave(2, 1).repeat_interleave(2, 2)
    )
    evaluation = Evaluation([nearest], LANCZOS)
    (figures,) = evaluation.run([small])
    (lanczos, other) = summarize(evaluation.figures)
    assert (lanczos.method, lanczos.gain) == (LANCZOS.name, 0.0)
    assert other.gain == figures.psnr["nearest"] - figures.psnr[LANCZOS.name] < -0.5
    assert evaluation.worst_sheet().width > 0


def test_in_pictures_with_holes_the_holes_alone_count(pair: TrainingPair) -> None:
    scratched = damaged_case(pair, "scratches", 0)
    mask = scratched.mask
    assert mask is not None
    gray = Method("gray", lambda case: case.degraded + 128 * mask.byte())
    right = Method("right", lambda case: case.sharp)
    (figures,) = Evaluation([gray, right], BIHARMONIC).run([scratched])
    error = (128.0 - scratched.sharp[:, mask].double()).square().mean()
    assert figures.psnr["gray"] == pytest.approx(float(10 * (255**2 / error).log10()))
    assert figures.psnr["right"] == metrics.MAX_PSNR
    assert figures.psnr[BIHARMONIC.name] > figures.psnr["gray"] + 3
