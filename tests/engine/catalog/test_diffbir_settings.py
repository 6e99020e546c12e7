"""DiffBIR's settings: what the user sets counts, and the version's own default where not."""

from dataclasses import replace
from typing import Any

import pytest

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import OPTIONS, V1_GENERAL, V2, V2_1, DiffBIRConfig
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings

EXPLICIT: dict[str, Any] = {  # none is a default, and of them `fidelity` alone changes others
    "prompt": "a cat",
    "negative_prompt": "a dog",
    "steps": 7,
    "sampler": "edm_euler",
    "cfg_scale": 2.5,
    "rising_cfg": True,
    "start_point": "cond",
    "noise_aug": 120,
    "control_strength": 0.5,
    "color_fix": "adain",
}
AUTO = {"sampler": "auto", "steps": 0, "cfg_scale": 0.0}  # as the options' own defaults are


def test_every_option_is_tried_here() -> None:
    assert {*EXPLICIT, "fidelity"} == set(OPTIONS)


@pytest.mark.parametrize("config", [V2_1, V2, V1_GENERAL])
def test_what_is_not_set_is_the_versions_own(config: DiffBIRConfig) -> None:
    own = DiffBIRSettings(**vars(config.defaults))
    assert DiffBIRSettings.from_options(config, {}) == own
    assert DiffBIRSettings.from_options(config, AUTO) == own


@pytest.mark.parametrize("name", EXPLICIT)
def test_an_option_changes_itself_alone(name: str) -> None:
    own = DiffBIRSettings.from_options(V2_1, {})
    assert getattr(own, name) != EXPLICIT[name]
    assert DiffBIRSettings.from_options(V2_1, {name: EXPLICIT[name]}) == replace(
        own, **{name: EXPLICIT[name]}
    )
    assert DiffBIRSettings.from_options(V2_1, AUTO | {name: EXPLICIT[name]}) == replace(
        own, **{name: EXPLICIT[name]}
    )


def test_all_options_together_are_all_there() -> None:
    assert DiffBIRSettings.from_options(V2_1, EXPLICIT) == DiffBIRSettings(**EXPLICIT)


def test_empty_prompts_count() -> None:
    settings = DiffBIRSettings.from_options(V2_1, {"prompt": "", "negative_prompt": ""})
    assert (settings.prompt, settings.negative_prompt) == ("", "")


def test_fidelity_takes_the_sampler_that_it_is_published_for() -> None:
    own = DiffBIRSettings.from_options(V2_1, {})
    expected = replace(own, fidelity=0.5, sampler="spaced", steps=50)
    assert DiffBIRSettings.from_options(V2_1, {"fidelity": 0.5}) == expected
    assert DiffBIRSettings.from_options(V2_1, AUTO | {"fidelity": 0.5}) == expected
    explicit = replace(DiffBIRSettings(**EXPLICIT), fidelity=0.5, sampler="spaced")
    assert DiffBIRSettings.from_options(V2_1, EXPLICIT | {"fidelity": 0.5}) == explicit


def test_options_of_others_are_left_out() -> None:
    assert DiffBIRSettings.from_options(V2_1, {"opacity": 0.5}) == DiffBIRSettings.from_options(
        V2_1, {}
    )


def test_fewer_steps_than_the_sampler_takes_are_refused() -> None:
    assert DiffBIRSettings.from_options(V2_1, {"sampler": "spaced", "steps": 2}).steps == 2
    with pytest.raises(BadRequest, match="`spaced` needs at least 2 steps"):
        DiffBIRSettings.from_options(V2_1, {"sampler": "spaced", "steps": 1})
