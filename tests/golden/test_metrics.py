"""PSNR, and what is measured of the luma, are those of BasicSR, as the published code has them."""

import json

import pytest
from golden.vectors import HERE

from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.weights.checkpoints import reading

GOLDEN = reading.read(HERE / "basicsr-metrics.safetensors")


def test_psnr() -> None:
    a, b = (GOLDEN[f"metric/{name}_rgb_u8"].permute(2, 0, 1) for name in "ab")
    expected = GOLDEN["metric/psnr_rgb_crop0"].item()
    assert metrics.psnr(a, b) == pytest.approx(expected, rel=1e-12)  # both in float64


@pytest.mark.parametrize("border", [0, 4])
def test_likeness_of_the_luma(border: int) -> None:
    a, b = (GOLDEN[f"metric/{name}_rgb_u8"].permute(2, 0, 1) for name in "ab")
    expected = [GOLDEN[f"metric/{name}_y_crop{border}"].item() for name in ("psnr", "ssim")]
    # Theirs converts colors in float32 first: 1e-7 of 255.
    assert metrics.luma_psnr_ssim(a, b, border) == pytest.approx(expected, rel=1e-6)


def test_likeness_of_each_color() -> None:
    facts = json.loads((HERE / "diffir-degradation-ops.json").read_text(encoding="utf-8"))
    a, b = (GOLDEN[f"metric/{name}_rgb_u8"].permute(2, 0, 1).double() for name in "ab")
    # What the luma is measured by; nothing of ours needs it of colors.
    planes = [metrics._plane_ssim(one, other) for one, other in zip(a, b, strict=True)]  # pyright: ignore[reportPrivateUsage]
    assert sum(planes) / 3 == pytest.approx(facts["metrics"]["ssim_rgb_crop0"], rel=1e-12)
