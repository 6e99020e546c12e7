"""Words of strangers in every label and tool tip, on both bindings: shown, and nothing more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pixelmend

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def printed(shown_by: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    """What became of the words."""
    return {name: json.loads(value) for name, value in shown_by("hostile.py").items()}


def test_no_label_takes_html(printed: dict[str, Any]) -> None:
    assert printed["rich"] == []
    assert printed["labels with the words"] >= 12


def test_no_label_has_characters_that_act(printed: dict[str, Any]) -> None:
    assert printed["acting"] == []
    assert "\x1b" not in printed["details"]


def test_tool_tips_show_the_words_and_nothing_else(printed: dict[str, Any]) -> None:
    assert printed["tips that lost some"] == []
    assert printed["tips with the words"] >= 8


def test_labels_and_tool_tips_are_made_in_one_place() -> None:
    panel = Path(pixelmend.__file__).parent / "panel"
    for path in (*panel.glob("*.py"), *(ROOT / "krita").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if path.name != "plain_text.py":
            assert "QLabel(" not in source, path
        assert source.count("setToolTip(") == source.count("setToolTip(tool_tip("), path
        assert "setWhatsThis" not in source, path
        assert "QMessageBox(" not in source, path


def test_dialogs_of_gimp_take_no_markup() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gimp").rglob("*.py"))
    assert "markup" not in source
    assert source.count("get_label(") == source.count(", False, False)") > 0
