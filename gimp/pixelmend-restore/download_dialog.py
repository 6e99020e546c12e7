"""The question whether a large model may be downloaded, in a window of GIMP's own."""

from __future__ import annotations

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk

from pixelmend.presentation.download_question import DownloadQuestion

DOWNLOAD, DECLINE = 1, 2


def ask(question: DownloadQuestion) -> bool | None:
    """Returns whether to download; None: the window was closed."""
    GimpUi.init("pixelmend-restore")
    # What comes from the engine is shown as text, to the last ampersand and underscore.
    dialog = Gtk.MessageDialog(message_type=Gtk.MessageType.QUESTION, text=question.title)
    dialog.props.secondary_text = question.about
    dialog.props.title = question.title
    dialog.add_button(_without_mnemonic(question.decline), DECLINE)
    dialog.add_button(_without_mnemonic(question.download), DOWNLOAD)
    dialog.set_default_response(DOWNLOAD)
    GimpUi.window_set_transient(dialog)
    answer = dialog.run()
    dialog.destroy()
    return answer == DOWNLOAD if answer in (DOWNLOAD, DECLINE) else None


def _without_mnemonic(text: str) -> str:
    return text.replace("_", "__")
