"""What DiffBIR restores with: each option that was said counts, and what was not said does not."""

from dataclasses import replace
from typing import Any

import pytest

from pixelmend_engine.catalog.diffbir import OPTIONS, V1_GENERAL, V2, V2_1, DiffBIRConfig
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings

SAID: dict[str, Any] = {  # none is a default, and of them `fidelity` alone changes others
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
UNSAID = {"sampler": "auto", "steps": 0, "cfg_scale": 0.0}  # as the options' own defaults say it


def test_every_option_is_tried_here() -> None:
    assert {*SAID, "fidelity"} == set(OPTIONS)


@pytest.mark.parametrize("config", [V2_1, V2, V1_GENERAL])
def test_what_was_not_said_is_the_versions_own(config: DiffBIRConfig) -> None:
    own = DiffBIRSettings(**vars(config.defaults))
    assert DiffBIRSettings.from_options(config, {}) == own
    assert DiffBIRSettings.from_options(config, UNSAID) == own


@pytest.mark.parametrize("name", SAID)
def test_an_option_changes_itself_alone(name: str) -> None:
    own = DiffBIRSettings.from_options(V2_1, {})
    assert getattr(own, name) != SAID[name]
    assert DiffBIRSettings.from_options(V2_1, {name: SAID[name]}) == replace(
        own, **{name: SAID[name]}
    )
    assert DiffBIRSettings.from_options(V2_1, UNSAID | {name: SAID[name]}) == replace(
        own, **{name: SAID[name]}
    )


def test_all_options_together_are_all_there() -> None:
    assert DiffBIRSettings.from_options(V2_1, SAID) == DiffBIRSettings(**SAID)


def test_empty_prompts_count() -> None:
    settings = DiffBIRSettings.from_options(V2_1, {"prompt": "", "negative_prompt": ""})
    assert (settings.prompt, settings.negative_prompt) == ("", "")


def test_fidelity_takes_the_sampler_that_it_is_published_for() -> None:
    own = DiffBIRSettings.from_options(V2_1, {})
    expected = replace(own, fidelity=0.5, sampler="spaced", steps=50)
    assert DiffBIRSettings.from_options(V2_1, {"fidelity": 0.5}) == expected
    assert DiffBIRSettings.from_options(V2_1, UNSAID | {"fidelity": 0.5}) == expected
    said = replace(DiffBIRSettings(**SAID), fidelity=0.5, sampler="spaced")
    assert DiffBIRSettings.from_options(V2_1, SAID | {"fidelity": 0.5}) == said


def test_what_is_no_wish_of_its_own_is_left_out() -> None:
    assert DiffBIRSettings.from_options(V2_1, {"opacity": 0.5}) == DiffBIRSettings.from_options(
        V2_1, {}
    )
