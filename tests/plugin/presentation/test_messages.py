"""An event in the user's words."""

import pytest

from pixelmend.presentation import messages
from pixelmend.wire import PHASES, Event


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_has_words(phase: str) -> None:
    assert messages.headline(Event(1, phase))


def test_a_job_that_waits_says_for_how_many() -> None:
    assert messages.headline(Event(1, "queued", position=1)) == "Starting the engine"
    assert messages.headline(Event(1, "queued", position=2)).endswith("1 picture before this one")
    assert messages.headline(Event(1, "queued", position=3)).endswith("2 pictures before this one")


def test_share_is_known_once_the_total_is() -> None:
    assert messages.fraction_done(Event(1, "run", 1, 4)) == 0.25
    assert messages.fraction_done(Event(1, "run", 5, 4)) == 1.0
    assert messages.fraction_done(Event(1, "load")) is None
    assert messages.fraction_done(Event(1, "done")) == 1.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (4, "a few seconds left"),
        (42, "about 40 seconds left"),
        (110, "about 2 minutes left"),
        (9000, "about 2 hours left"),
    ],
)
def test_time_left_is_as_fine_as_it_can_be_known(seconds: float, words: str) -> None:
    assert messages.format_time_left(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"), [(999, "999 B"), (96_000_000, "96 MB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes_have_the_units_of_shops(size: int, words: str) -> None:
    assert messages.format_bytes(size) == words


def test_empty_text_is_not_the_header() -> None:
    assert messages.translate("") == ""


def test_a_smaller_model_is_said_in_one_sentence_and_the_rest_to_who_asks() -> None:
    note = "The weights of `large` are not here (offline), so `small` is used; ..."
    larger = {"model": "large", "title": "Large", "note": note}
    notes, details = messages.notes_of({"title": "Small", "notes": [note, "x"], "larger": larger})
    assert notes == ["Small was used; the larger Large is not on this computer", "x"]
    assert details == [note]
    assert messages.notes_of({"notes": ["x"]}) == (["x"], [])
