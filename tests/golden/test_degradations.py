"""What makes pictures worse for super-resolution is what the published operators (BasicSR) do.

Tolerances: kernels are float64 in both. Pictures are float32 in [0, 1], which rounds at 6e-8 of a
sum of a few hundred terms. In compression the largest number is 255, through two transforms.
"""

import json
from typing import Any

import pytest
import torch
from golden.vectors import HERE, assert_near
from torch import Tensor

from pixelmend_engine.training.degradations import jpeg
from pixelmend_engine.training.degradations.real_esrgan_kernels import (
    bivariate_kernel,
    filter2d,
    sinc_kernel,
)
from pixelmend_engine.training.degradations.unsharp_mask import sharpen
from pixelmend_engine.weights.checkpoints import reading

GOLDEN = reading.read(HERE / "diffir-degradation-ops.safetensors")
KERNELS: dict[str, dict[str, Any]] = json.loads((HERE / "diffir-degradation-ops.json").read_text())[
    "kernel_parameters"
]


@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str) -> None:
    parameters = KERNELS[name]
    kind = name.removeprefix("kernel/").split("_")[0]
    size, sigma_x = parameters["kernel_size"], parameters.get("sigma_x", 1.0)
    if kind == "sinc":
        actual = sinc_kernel(size, parameters["cutoff"])
    else:
        sigma = (sigma_x, parameters.get("sigma_y", sigma_x))
        actual = bivariate_kernel(
            "gaussian" if kind in ("iso", "aniso") else kind,  # pyright: ignore[reportArgumentType]
            size,
            sigma,
            parameters.get("theta", 0.0),
            parameters.get("beta", 1.0),
        )
    # Two libraries' J1 agree to a few units of float64; the rest is the order of sums.
    assert_near(actual, GOLDEN[name], 1e-12)


def test_each_picture_is_filtered_with_its_own_kernel() -> None:
    actual = filter2d(GOLDEN["img"], GOLDEN["filter2d/kernels"])
    assert_near(actual, GOLDEN["filter2d/out"], 1e-6)


def test_sharpened_targets() -> None:
    assert_near(sharpen(GOLDEN["img"]), GOLDEN["usm/out"], 1e-6)


def test_compression() -> None:
    actual: Tensor = jpeg.diffjpeg(GOLDEN["jpeg/in"], GOLDEN["jpeg/quality"])
    assert_near(actual, GOLDEN["jpeg/out"], 1e-5)
    assert (actual - GOLDEN["jpeg/in"]).abs().max() > 0.1
    assert torch.isfinite(actual).all()
