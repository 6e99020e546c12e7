"""PSNR is that of BasicSR, which the published training code validates with."""

import pytest
from golden.vectors import HERE

from pixelmend_engine import checkpoints, metrics

GOLDEN = checkpoints.read(HERE / "basicsr-metrics.safetensors")


def test_psnr() -> None:
    a, b = (GOLDEN[f"metric/{name}_rgb_u8"].permute(2, 0, 1) for name in "ab")
    expected = GOLDEN["metric/psnr_rgb_crop0"].item()
    assert metrics.psnr(a, b) == pytest.approx(expected, rel=1e-12)  # both in float64
