"""Labels and tool tips that show words as words.

Qt takes a text for HTML where it looks like it, and then opens what it names: on Windows a picture
`//host/x` is a login to a stranger. Names of layers and files, and what servers say, are never
HTML. Every label and tool tip of the panel is one of these.
"""

from __future__ import annotations

import html

from ..printable import printable_lines
from ..qt import Qt, QtWidgets


class PlainLabel(QtWidgets.QLabel):
    """A label without HTML."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, a0: str | None) -> None:
        """Shows a text, which may have several lines."""
        super().setText(printable_lines(a0 or ""))


def tool_tip(text: str) -> str:
    """Returns what a tool tip takes to show these words: HTML that says nothing but them.

    There is no tool tip that takes no HTML.
    """
    body = html.escape(printable_lines(text))
    return f'<p style="white-space: pre-wrap">{body}</p>' if body else ""
