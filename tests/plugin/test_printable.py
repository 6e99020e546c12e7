"""Strangers' words: whatever is in them, they are shown and act on nothing."""

import logging
import sys
import unicodedata
from pathlib import Path

import pytest

from pixelmend import data_folder
from pixelmend.errors import PixelmendError, from_json
from pixelmend.paths import Paths
from pixelmend.printable import PrintableFormatter, printable, printable_json, printable_lines
from pixelmend.wire import event_from_sse

HOSTILE = "\x1b]0;title\x07\x1b[31mred\x9b2J\r\b\x7f\u202egnp.exe\u2066\u2028\u200f\U000e0041\udcff"


def test_words_stay_as_they_are() -> None:
    words = "Grüße, 写真 (2).tif, \u0635\u0648\u0631\u0629, 👩\u200d👦, C:\\new `x` é\xa0<b>&amp;"
    assert printable(words) == words


def test_what_acts_on_a_terminal_is_spelled_out() -> None:
    assert printable("a\x1b[31mb") == "a\\x1b[31mb"
    assert printable("one\ntwo\r\tthree") == "one\\ntwo\\r\\tthree"
    assert printable("gnp.\u202eexe") == "gnp.\\u202eexe"
    assert printable("raw \udcff, half \ud800") == "raw \\xff, half \\ud800"


def test_no_character_that_acts_is_left() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    shown = printable(everything)
    assert "\u200c" in shown  # joins letters
    joining = {"\u200c", "\u200d"}
    acting = {
        character
        for character in set(shown) - joining
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character)
        in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
    }
    assert acting == set()
    shown.encode()  # also where nothing but UTF-8 is taken


@pytest.mark.parametrize("form", [printable, printable_lines])
def test_to_do_it_twice_changes_nothing(form: object) -> None:
    assert callable(form)
    assert form(form(HOSTILE)) == form(HOSTILE)


def test_lines_stay_apart_where_there_may_be_some() -> None:
    assert printable_lines("one\n\ttwo\x1b") == "one\n\ttwo\\x1b"


def test_json_is_made_printable_to_its_leaves() -> None:
    value = {"a\x1b": ["b\x1b", {"c": "d\x1b", "n": 1, "none": None}]}
    assert printable_json(value) == {
        "a\\x1b": ["b\\x1b", {"c": "d\\x1b", "n": 1, "none": None}],
    }


def test_no_error_has_a_second_line_or_acts() -> None:
    error = PixelmendError(f"`{HOSTILE}`\nError: all is lost", hint=f"Do {HOSTILE}")
    for text in (error.message, error.hint, str(error)):
        assert printable(text) == text
    told = from_json({"code": ["x"], "message": 3, "hint": "\x1b"})
    assert (told.code, told.message, told.hint) == ("internal", "3", "\\x1b")


def test_no_event_acts() -> None:
    event = event_from_sse(["id: 1", 'data: {"phase": "run", "message": "\\u001b[2J"}'])
    assert event is not None
    assert event.message == "\\x1b[2J"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("from https://ann:secret@host/x, and", "from https://host/x, and"),
        ("`https:/ann:secret@host`", "`https:/host`"),  # as a path has it
        ("socks5h://ann:se@cret@host:1080", "socks5h://host:1080"),
        ("https://secret@host", "https://host"),
        ("C:/ann@home/x.jpg, ann@host, https://host/@ann", None),
    ],
)
def test_no_error_no_log_and_no_report_has_a_password(
    given: str, shown: str | None, tmp_path: Path
) -> None:
    error = PixelmendError(given, hint=given)
    expected = shown or given
    assert (error.message, error.hint) == (expected, expected)
    caught = (ValueError, ValueError(given), None)
    record = logging.LogRecord("n", logging.INFO, "", 1, given, (), caught)
    assert PrintableFormatter("%(message)s").format(record) == f"{expected}\nValueError: {expected}"
    report = data_folder.report(Paths(tmp_path), ValueError(given)).read_text(encoding="utf-8")
    assert f"ValueError: {expected}\n" in report


def test_a_log_has_one_line_for_each_message() -> None:
    form = PrintableFormatter("%(levelname)s %(message)s")
    error = ValueError(HOSTILE)
    caught = (ValueError, error, None)
    record = logging.LogRecord("n", logging.INFO, "", 1, "%s\nINFO forged", (HOSTILE,), caught)
    first, *traceback = form.format(record).split("\n")
    assert "forged" in first
    assert traceback[0].startswith("ValueError: ")
    assert printable_lines(form.format(record)) == form.format(record)
