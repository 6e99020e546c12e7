"""Evaluation: blur that is the same for a seed and a name, and figures of every method."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import CPU, Brighter, spec
from PIL import Image

from pixelmend.errors import BadRequest
from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.evaluation import (
    INPUT,
    WORST,
    BlurSettings,
    Evaluation,
    Figures,
    Method,
    baseline_methods,
    make_case,
    model_method,
    read_kernels,
    summarize,
)


@pytest.fixture
def pair(photo: Path) -> TrainingPair:
    return TrainingPair(photo.name, photo)


def test_a_shake_is_the_same_for_a_seed_and_a_name(pair: TrainingPair) -> None:
    first, again = make_case(pair, BlurSettings()), make_case(pair, BlurSettings())
    assert torch.equal(first.blurred, again.blurred)
    other = make_case(TrainingPair("another.png", pair.sharp), BlurSettings())
    assert not torch.equal(first.blurred, other.blurred)
    assert not torch.equal(first.blurred, make_case(pair, BlurSettings(seed=1)).blurred)
    assert metrics.psnr(first.blurred, first.sharp) < 32


def test_without_shake_there_is_the_noise_alone(pair: TrainingPair) -> None:
    still = make_case(pair, BlurSettings(length=(0.0, 0.0)))
    difference = still.blurred.float() - still.sharp.float()
    # 12,096 samples, rounded to whole levels, which adds 1/12 to the variance.
    assert difference.std().item() == pytest.approx((4 + 1 / 12) ** 0.5, rel=0.05)
    assert torch.equal(
        make_case(pair, BlurSettings(length=(0.0, 0.0), noise=0.0)).blurred, still.sharp
    )


def test_kernels_are_read_and_used(pair: TrainingPair, tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    line = np.zeros((9, 12), np.uint8)
    line[4, 5:8] = 255
    Image.fromarray(line).save(tmp_path / "kernels" / "line.png")
    (kernel,) = read_kernels(tmp_path / "kernels")
    assert kernel.shape == (13, 13)
    assert kernel.sum().item() == pytest.approx(1)
    case = make_case(pair, BlurSettings(kernels=(kernel,), noise=0.0))
    assert case.kernel is not None
    assert torch.equal(case.kernel, kernel)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "kernels" / "black.png")
    with pytest.raises(BadRequest, match="is black"):
        read_kernels(tmp_path / "kernels")


def test_a_picture_smaller_than_its_blur_is_told(pair: TrainingPair) -> None:
    with pytest.raises(BadRequest, match="smaller than the blur"):
        make_case(pair, BlurSettings(length=(3.0, 60.0)))


def test_figures_of_a_model_and_of_the_baselines(pair: TrainingPair) -> None:
    loaded = LoadedModel(spec(), Brighter(by=0.0), CPU, ())
    evaluation = Evaluation([model_method("same", loaded, 0), *baseline_methods(0)])
    shaken = make_case(pair, BlurSettings(length=(3.0, 6.0)))
    (figures,) = evaluation.run([shaken])
    assert figures.psnr["same"] == figures.psnr[INPUT]
    assert figures.ssim["same"] == figures.ssim[INPUT]
    told = "richardson-lucy, told the blur"
    assert figures.psnr[told] > figures.psnr[INPUT]
    # Where nobody knows the blur, nobody is told.
    two = TrainingPair("two", pair.sharp, pair.sharp)
    (figures,) = evaluation.run([make_case(two, BlurSettings())])
    assert set(figures.psnr) == {INPUT, "same", "unsharp mask", "richardson-lucy", "wiener"}
    assert figures.psnr["same"] == metrics.MAX_PSNR


def test_means_and_the_worst_picture() -> None:
    figures = [
        Figures("a", {INPUT: 20.0, "model": 23.0}, {INPUT: 0.5, "model": 0.7}),
        Figures("b", {INPUT: 30.0, "model": 29.0}, {INPUT: 0.9, "model": 0.8}),
    ]
    first, second = summarize(figures)
    assert (first.method, first.psnr, first.gain) == (INPUT, 25.0, 0.0)
    assert (second.psnr, second.ssim, second.gain) == (26.0, pytest.approx(0.75), 1.0)
    assert (second.worst_gain, second.worst) == (-1.0, "b")


def test_the_sheet_shows_the_five_that_gained_least(pair: TrainingPair) -> None:
    evaluation = Evaluation([Method("same", lambda case: case.blurred)])
    shaken = make_case(pair, BlurSettings(length=(3.0, 6.0)))
    assert len(list(evaluation.run([shaken] * (WORST + 2)))) == WORST + 2
    one = Evaluation([Method("same", lambda case: case.blurred)])
    list(one.run([shaken]))
    assert evaluation.worst_sheet().height > 4 * one.worst_sheet().height
