"""What DiffBIR takes of time, and what is said of it beforehand."""

from dataclasses import replace

import pytest

from pixelmend_engine.catalog.diffbir import V1_GENERAL, V2_1
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.models.diffbir import time_estimate
from pixelmend_engine.models.diffbir.memory_plan import PHASES, Phase, Workload, plan_for
from pixelmend_engine.models.diffbir.time_estimate import (
    DEGRADATION_REMOVAL_S,
    GUIDANCE_S,
    NETWORK_CALL_S,
    duration_warning,
    estimated_s,
)

USUAL = DiffBIRSettings.from_options(V2_1, {})
PARAMETERS = time_estimate.UNET_PARAMETERS
SIZE = (512, 512)
WORK = Workload(
    restoration_module="swinir",
    module_input_size=SIZE,
    size=SIZE,
    weight_bytes={},
    guided=False,
    half_precision=False,
)
WHOLE = plan_for(WORK, None, None, None)


def seconds_by_phase(settings: DiffBIRSettings) -> dict[Phase, float]:
    return time_estimate.seconds_by_phase(settings, WORK, WHOLE)


def test_guidance_takes_two_prompts_in_each_step() -> None:
    guided, plain = (
        seconds_by_phase(DiffBIRSettings.from_options(V2_1, {"cfg_scale": scale}))["diffuse"]
        for scale in (8.0, 1.0)
    )
    assert guided == 2 * plain == 2 * 10 * NETWORK_CALL_S
    assert list(seconds_by_phase(USUAL)) == list(PHASES)


def test_fidelity_takes_a_gradient_of_each_step() -> None:
    free = DiffBIRSettings.from_options(V1_GENERAL, {})
    guided = DiffBIRSettings.from_options(V1_GENERAL, {"fidelity": 0.5})
    more = seconds_by_phase(guided)["diffuse"] - seconds_by_phase(free)["diffuse"]
    assert more == pytest.approx(50 * GUIDANCE_S)


def test_the_time_grows_with_picture_network_and_slowness() -> None:
    once = estimated_s(USUAL, WORK, WHOLE, PARAMETERS, 1.0)
    assert once == pytest.approx(sum(seconds_by_phase(USUAL).values()))
    assert estimated_s(USUAL, WORK, WHOLE, PARAMETERS // 2, 4.0) == pytest.approx(2 * once)
    large = replace(WORK, size=(1024, 1536), module_input_size=(1024, 1536))
    more = estimated_s(USUAL, large, WHOLE, PARAMETERS, 1.0)
    assert more == pytest.approx(6 * once, rel=0.03)  # but for the texts


def test_each_restoration_module_has_its_own_time() -> None:
    work = replace(WORK, restoration_module="bsrnet", module_input_size=(256, 512))
    seconds = time_estimate.seconds_by_phase(USUAL, work, WHOLE)
    assert seconds["remove_degradation"] == DEGRADATION_REMOVAL_S["bsrnet"] / 2


def test_what_tiles_share_is_computed_more_than_once() -> None:
    large = replace(WORK, size=(1536, 1536))
    whole = time_estimate.seconds_by_phase(USUAL, large, WHOLE)
    cut = time_estimate.seconds_by_phase(USUAL, large, plan_for(large, None, None, 512))
    assert cut["diffuse"] == pytest.approx(25 / 9 * whole["diffuse"])  # 5 x 5 tiles of 512
    assert cut["decode"] == whole["decode"]


def test_only_what_takes_long_is_told_and_never_too_short() -> None:
    assert duration_warning(59.9) is None
    assert "about 2 minutes" in (duration_warning(61.0) or "")
    assert "about 10 minutes" in (duration_warning(600.0) or "")
    assert "about 4 hours" in (duration_warning(212 * 60.0) or "")


def test_the_warning_is_for_all_faces_together() -> None:
    assert (duration_warning(20.0, 30, faces=True) or "").startswith("The 30 faces take about 10 m")
    assert (duration_warning(600.0, 1, faces=True) or "").startswith("This takes about 10 minutes")
    assert (duration_warning(20.0, 30) or "").startswith("This takes about 10 minutes")
