"""What DiffBIR takes of time, and what is said of it beforehand."""

import pytest

from pixelmend_engine.catalog.diffbir import V1_GENERAL, V2_1
from pixelmend_engine.catalog.diffbir_wish import Wish
from pixelmend_engine.models import diffbir_times
from pixelmend_engine.models.diffbir_plan import PHASES

USUAL = Wish.of(V2_1, {})
PARAMETERS = diffbir_times.UNET_PARAMETERS
PIXELS = diffbir_times.TIMED_PIXELS


def test_guidance_takes_two_branches_of_each_step() -> None:
    guided, plain = (
        diffbir_times.shares(Wish.of(V2_1, {"cfg_scale": scale}))["diffuse"] for scale in (8.0, 1.0)
    )
    assert guided == 2 * plain == 2 * 10 * diffbir_times.TIMES["diffuse"]
    assert list(diffbir_times.shares(USUAL)) == list(PHASES)


def test_fidelity_takes_a_slope_of_each_step() -> None:
    free = Wish.of(V1_GENERAL, {})
    steered = Wish.of(V1_GENERAL, {"fidelity": 0.5})
    more = diffbir_times.shares(steered)["diffuse"] - diffbir_times.shares(free)["diffuse"]
    assert more == pytest.approx(50 * diffbir_times.TIMES["steer"])


def test_the_time_grows_with_picture_network_and_slowness() -> None:
    once = diffbir_times.seconds(USUAL, PIXELS, PARAMETERS, 1.0)
    assert once == pytest.approx(sum(diffbir_times.shares(USUAL).values()))
    more = diffbir_times.seconds(USUAL, 3 * PIXELS, PARAMETERS // 2, 2.0)
    assert more == pytest.approx(3 * once)


def test_only_what_takes_long_is_told_and_never_too_short() -> None:
    assert diffbir_times.forecast(59.9) is None
    assert "about 2 minutes" in (diffbir_times.forecast(61.0) or "")
    assert "about 10 minutes" in (diffbir_times.forecast(600.0) or "")


def test_faces_are_told_of_all_together() -> None:
    words = diffbir_times.forecast(600.0, faces=30) or ""
    assert words.startswith("The 30 faces take about 10 minutes")
