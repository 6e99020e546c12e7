"""Every model is found by its id; a slip of the finger is answered with the nearest."""

import pytest

from pixelmend.errors import UnknownModel
from pixelmend_engine.catalog import registry


def test_ids_are_unique() -> None:
    ids = [spec.id for spec in registry.MODELS]
    assert len(set(ids)) == len(ids)


def test_best_model_of_a_task_comes_first_and_the_bundled_one_last() -> None:
    ids = [spec.id for spec in registry.models_of("deblur")]
    assert ids == [
        "hi-diff-gopro",
        "hi-diff-realblur-j",
        "hi-diff-realblur-r",
        "diffir-deblur",
        "hi-diff-compact",
    ]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("hi-diff-gpro", "hi-diff-gopro"), ("HI-DIFF-COMPACT", "hi-diff-compact")],
)
def test_the_nearest_model_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(UnknownModel) as refused:
        registry.find(typed)
    assert f"Did you mean `{meant}`?" in refused.value.hint


def test_nothing_is_suggested_for_what_is_far_from_all() -> None:
    with pytest.raises(UnknownModel) as refused:
        registry.find("zzz")
    assert "Did you mean" not in refused.value.hint
