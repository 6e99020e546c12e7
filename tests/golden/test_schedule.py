"""The schedules are those of the published code, to the bit of float32."""

import numpy as np
import pytest
import torch
from golden.vectors import HERE

from pixelmend_engine.catalog.hidiff import GOPRO, REALBLUR, HIDiffConfig
from pixelmend_engine.diffusion.schedule import float32
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.weights.checkpoints import reading

GOLDEN = reading.read(HERE / "hi-diff-diffir-schedules.safetensors")
NAMES = {
    "betas": "betas",
    "alphas_cumprod": "alpha_bar",
    "alphas_cumprod_prev": "alpha_bar_prev",
    "sqrt_recip_alphas_cumprod": "sqrt_recip_alpha_bar",
    "sqrt_recipm1_alphas_cumprod": "sqrt_recip_alpha_bar_minus_one",
    "posterior_variance": "posterior_variance",
    "posterior_mean_coef1": "posterior_mean_x0",
    "posterior_mean_coef2": "posterior_mean_xt",
}


@pytest.mark.parametrize(("model", "config"), [("gopro", GOPRO), ("realblur", REALBLUR)])
def test_schedule(model: str, config: HIDiffConfig) -> None:
    with torch.device("meta"):
        schedule = HIDiff(config, teacher=False).schedule
    np.testing.assert_array_equal(schedule.betas, GOLDEN[f"hi-diff-{model}/betas_f64"].numpy())
    for theirs, ours in NAMES.items():
        expected = GOLDEN[f"hi-diff-{model}/{theirs}"]
        assert torch.equal(torch.tensor(float32(getattr(schedule, ours))), expected), theirs
