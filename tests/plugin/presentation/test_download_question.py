"""When somebody is asked before a large model is fetched, and what follows from the answer."""

from typing import Any

import pytest

from pixelmend.preferences import Preferences
from pixelmend.presentation.download_question import question, with_answer, with_downloads

ASK = Preferences()


def task(*models: tuple[str, str, int], scales: tuple[float, float] = (1, 1)) -> dict[str, Any]:
    return {
        "models": [
            {
                "id": name,
                "title": name.title(),
                "weights": weights,
                "size_bytes": size,
                "about_bytes": 0,
                "license": "MIT",
                "scales": list(scales),
            }
            for name, weights, size in models
        ],
        "options": {"properties": {"downloads": {}}},
    }


LARGE, SMALL = ("large", "missing", 6_900_000_000), ("small", "bundled", 8_000_000)


def test_a_large_model_is_asked_about() -> None:
    asked = question(task(LARGE, SMALL), {}, ASK)
    assert asked is not None
    assert (asked.model, asked.small) == ("large", "Small")
    assert asked.download == "Download Large, 6.9 GB"
    assert asked.decline == "Use the small model"


def test_without_a_small_one_the_other_answer_cancels() -> None:
    asked = question(task(LARGE), {}, ASK)
    assert asked is not None
    assert asked.decline == "Cancel"


@pytest.mark.parametrize(
    ("described", "options", "preferences"),
    [
        (task(("good", "missing", 200_000_000), SMALL), {}, ASK),  # fetched unasked
        (task(LARGE, ("good", "installed", 1), SMALL), {}, ASK),  # what is installed is used
        (task(("large", "installed", 1), SMALL), {}, ASK),
        (task(LARGE, SMALL), {"model": "large"}, ASK),  # by name
        (task(LARGE, SMALL), {"offline": True}, ASK),
        (task(LARGE, SMALL), {}, Preferences("always")),
        (task(LARGE, SMALL), {}, Preferences("never")),
        (task(LARGE, SMALL), {}, Preferences("ask", frozenset({"large"}))),
        (task(LARGE, SMALL, scales=(2, 2)), {"scale": 4}, ASK),  # no model enlarges so
    ],
)
def test_nobody_is_asked_where_nothing_hangs_on_it(
    described: dict[str, Any], options: dict[str, Any], preferences: Preferences
) -> None:
    assert question(described, options, preferences) is None


def test_who_takes_the_small_one_is_not_asked_again_and_who_cancels_is() -> None:
    asked = question(task(LARGE, SMALL), {}, ASK)
    assert asked is not None
    kept = with_answer(ASK, asked, answer=False)
    assert question(task(LARGE, SMALL), {}, kept) is None
    assert with_answer(ASK, asked, answer=True) == ASK
    canceled = question(task(LARGE), {}, ASK)
    assert canceled is not None
    assert with_answer(ASK, canceled, answer=False) == ASK


@pytest.mark.parametrize(("answer", "sent"), [(True, "always"), (False, "never"), (None, "ask")])
def test_the_answer_goes_with_the_job(answer: bool | None, sent: str) -> None:
    options = with_downloads(task(LARGE), {"seed": 3}, ASK, answer)
    assert options == {"seed": 3, "downloads": sent}


def test_an_engine_of_before_is_not_sent_what_it_does_not_know() -> None:
    described = task(LARGE)
    described["options"]["properties"] = {}
    assert with_downloads(described, {"seed": 3}, ASK, None) == {"seed": 3}
