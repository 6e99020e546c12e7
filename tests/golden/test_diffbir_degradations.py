"""What makes pictures worse for training is what DiffBIR's published operators do as well.

Tolerances: kernels are float64 in both, of sums that are 1. Pictures are float32 in [0, 1], sums of
up to a few thousand terms.
"""

import pytest
import torch
from einops import rearrange
from golden.recipe import Golden
from golden.vectors import assert_near
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.degradations import codeformer, jpeg
from pixelmend_engine.training.degradations.real_esrgan_kernels import (
    bivariate_kernel,
    filter2d,
    sinc_kernel,
)
from pixelmend_engine.training.degradations.unsharp_mask import sharpen

GOLDEN = Golden("degradation")
KERNEL, PICTURE = 1e-12, 5e-6


@pytest.mark.parametrize("name", GOLDEN.facts["kernels"])
def test_kernels(name: str) -> None:
    parameters = GOLDEN.facts["kernels"][name]
    if parameters["kind"] == "sinc":
        computed = sinc_kernel(parameters["size"], parameters["cutoff"])
        around = (parameters.get("padded", parameters["size"]) - parameters["size"]) // 2
        computed = functional.pad(computed, (around, around, around, around))
    else:
        sigma, theta, beta = (
            parameters["sigma"],
            parameters.get("theta", 0.0),
            parameters.get("beta", 1.0),
        )
        computed = bivariate_kernel(
            parameters["kind"], parameters["size"], tuple(sigma), theta, beta
        )
    assert_near(computed, GOLDEN[name], KERNEL)


def test_a_large_kernel_is_laid_over_a_picture() -> None:
    computed = filter2d(GOLDEN["img"], GOLDEN["aniso"].float()[None])
    assert_near(computed[..., ::2, ::2], GOLDEN["filter2d_aniso"], PICTURE)


def test_sharpened_targets() -> None:
    assert_near(sharpen(GOLDEN["img"])[..., ::2, ::2], GOLDEN["usm"], PICTURE)


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_compression(quality: int) -> None:
    computed = jpeg.diffjpeg(GOLDEN["img_jpeg_in"], torch.tensor([float(quality)]))
    assert_near(computed[..., ::2, ::2], GOLDEN[f"diffjpeg_q{quality}"], PICTURE)


def _upright(name: str) -> Tensor:
    """Returns one of OpenCV's pictures, whose colors and axes are the other way round."""
    return rearrange(GOLDEN[name].flip(-1), "h w c -> 1 c h w").contiguous()


def test_one_picture_becomes_worse_step_by_step() -> None:
    facts = GOLDEN.facts["cf"]
    kernel = bivariate_kernel(
        "gaussian", facts["kernel_size"], tuple(facts["sigma"]), facts["theta"]
    )
    assert_near(kernel, GOLDEN["cf.kernel"], KERNEL)
    blurred = codeformer.blurred(_upright("cf.gt_bgr"), kernel.float())
    assert_near(blurred[..., ::4, ::4], _upright("cf.blur_sub4"), PICTURE)
    small = codeformer.shrunk(blurred, facts["shrink"])
    assert_near(small, _upright("cf.down"), PICTURE)
    noisy = (small + facts["noise"] / 255 * _upright("cf.noise")).clamp(0, 1)
    assert_near(noisy, _upright("cf.noisy"), PICTURE)
    # The coder's own levels: those that OpenCV's has as well, on this build of both.
    coded = codeformer.compressed(_upright("cf.noisy"), facts["quality"])
    assert_near(coded, _upright("cf.jpeg"), 1.5 / 255)
    back = codeformer.enlarged(_upright("cf.jpeg"), 128, 128)
    assert_near(back[..., ::2, ::2], _upright("cf.lq_sub2"), PICTURE)
