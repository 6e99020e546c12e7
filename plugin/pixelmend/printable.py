"""Strangers' words, as they are shown: names of files, titles of pages, what a server says.

Such words may hold characters that act on whoever shows them: escape sequences recolor or retitle a
terminal, controls overwrite what stands before, marks of direction turn a name's ending around, a
line end makes a second line that looks like ours. Runs on Python 3.9, standard library only: hosts
load it.
"""

from __future__ import annotations

import logging
import re
from typing import Any, cast

# Controls, marks of direction, separators of lines, invisible tags, halves of characters. What
# joins letters (U+200C, U+200D) is part of how some languages and emoji are written.
ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
ACTING_IN_LINES = re.compile(f"(?!\n|\t){ACTING.pattern}")
# Of an address, or of a path that was made of one, which has one slash less.
LOGIN = re.compile("([A-Za-z][A-Za-z0-9+.-]+:/{1,2})[^\\s/`]*@")
NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# How Python names bytes of a file's name that are no text: U+DC80 is the byte 80.
FIRST_RAW_BYTE, LAST_RAW_BYTE, RAW_BYTES = 0xDC80, 0xDCFF, 0xDC00


def without_passwords(text: str) -> str:
    """Returns words in which no address has a name and a password in front of its host."""
    return LOGIN.sub(r"\1", text)


def printable(text: str) -> str:
    """Returns words in one line: what would act on a terminal or a widget is spelled out.

    Done twice, it changes nothing more.
    """
    return ACTING.sub(_spelled, text)


def printable_lines(text: str) -> str:
    """Returns words that may have several lines: a traceback, the notes of a result."""
    return ACTING_IN_LINES.sub(_spelled, text)


def printable_json(value: Any) -> Any:
    """Returns what was read from JSON, with every text in it, names of fields too, printable."""
    if isinstance(value, str):
        return printable_lines(value)
    if isinstance(value, list):
        return [printable_json(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {printable(name): printable_json(item) for name, item in fields.items()}
    return value


class PrintableFormatter(logging.Formatter):
    """Log lines: one for each message, whatever words are in it; tracebacks below keep theirs.

    Passwords in addresses are left out.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Returns the line of a message."""
        return printable(without_passwords(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Returns the lines of a traceback."""
        return printable_lines(without_passwords(super().formatException(ei)))


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    if character in NAMED:
        return NAMED[character]
    code = ord(character)
    if FIRST_RAW_BYTE <= code <= LAST_RAW_BYTE:
        code -= RAW_BYTES
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
