"""What makes pictures worse for training is what DiffBIR's published operators do as well.

Tolerances: kernels are float64 in both, of sums that are 1. Pictures are float32 in [0, 1], sums of
up to a few thousand terms.
"""

import pytest
import torch
from golden.recipe import Golden
from golden.vectors import assert_near
from torch.nn import functional

from pixelmend_engine.training.degradations import jpeg
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
