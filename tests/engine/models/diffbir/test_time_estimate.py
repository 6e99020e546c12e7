"""What DiffBIR takes of time, and what is said of it beforehand."""

from dataclasses import replace

import pytest

from pixelmend_engine.catalog.diffbir import V1_GENERAL, V2_1
from pixelmend_engine.catalog.diffbir_settings import Wish
from pixelmend_engine.models.diffbir import time_estimate
from pixelmend_engine.models.diffbir.memory_plan import PHASES, Work, plan
from pixelmend_engine.models.diffbir.time_estimate import (
    CALL_S,
    CLEAN_S,
    STEER_S,
    forecast,
    seconds,
)

USUAL = Wish.of(V2_1, {})
PARAMETERS = time_estimate.UNET_PARAMETERS
SIZE = (512, 512)
WORK = Work(
    cleaner="swinir", cleaner_pixels=SIZE, pixels=SIZE, weights={}, steers=False, half=False
)
WHOLE = plan(WORK, None, None, None)


def shares(wish: Wish) -> dict[str, float]:
    return dict(time_estimate.shares(wish, WORK, WHOLE))


def test_guidance_takes_two_branches_of_each_step() -> None:
    guided, plain = (shares(Wish.of(V2_1, {"cfg_scale": scale}))["diffuse"] for scale in (8.0, 1.0))
    assert guided == 2 * plain == 2 * 10 * CALL_S
    assert list(shares(USUAL)) == list(PHASES)


def test_fidelity_takes_a_slope_of_each_step() -> None:
    free = Wish.of(V1_GENERAL, {})
    steered = Wish.of(V1_GENERAL, {"fidelity": 0.5})
    more = shares(steered)["diffuse"] - shares(free)["diffuse"]
    assert more == pytest.approx(50 * STEER_S)


def test_the_time_grows_with_picture_network_and_slowness() -> None:
    once = seconds(USUAL, WORK, WHOLE, PARAMETERS, 1.0)
    assert once == pytest.approx(sum(shares(USUAL).values()))
    assert seconds(USUAL, WORK, WHOLE, PARAMETERS // 2, 4.0) == pytest.approx(2 * once)
    large = replace(WORK, pixels=(1024, 1536), cleaner_pixels=(1024, 1536))
    more = seconds(USUAL, large, WHOLE, PARAMETERS, 1.0)
    assert more == pytest.approx(6 * once, rel=0.03)  # but for the texts


def test_each_cleaner_has_its_own_time() -> None:
    work = replace(WORK, cleaner="bsrnet", cleaner_pixels=(256, 512))
    assert time_estimate.shares(USUAL, work, WHOLE)["clean"] == CLEAN_S["bsrnet"] / 2


def test_what_tiles_share_is_computed_more_than_once() -> None:
    large = replace(WORK, pixels=(1536, 1536))
    whole = time_estimate.shares(USUAL, large, WHOLE)
    cut = time_estimate.shares(USUAL, large, plan(large, None, None, 512))
    assert cut["diffuse"] == pytest.approx(25 / 9 * whole["diffuse"])  # 5 x 5 tiles of 512
    assert cut["decode"] == whole["decode"]


def test_only_what_takes_long_is_told_and_never_too_short() -> None:
    assert forecast(59.9) is None
    assert "about 2 minutes" in (forecast(61.0) or "")
    assert "about 10 minutes" in (forecast(600.0) or "")
    assert "about 4 hours" in (forecast(212 * 60.0) or "")


def test_faces_are_told_of_all_together() -> None:
    words = forecast(600.0, faces=30) or ""
    assert words.startswith("The 30 faces take about 10 minutes")
